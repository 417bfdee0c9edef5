"""The state of every run of a sweep, from its folder and from the task that it was given to."""

import fcntl
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from ddpg.sweep.state.folder import Origin, SweepFolder, SweepRun
from ddpg.sweep.state.hydra_sweeps import find_runs, last_process
from ddpg.sweep.state.summary import RunSummary, summarize_all
from ddpg.sweep.state.tasks import Fate, Task, find_tasks, is_pool

State = Literal["done", "running", "pending", "failed", "interrupted", "cancelled", "vanished", "not submitted"]
STATES: tuple[State, ...] = get_args(State)
#: Seconds by which the file of a job may look older than it is, because two machines have two clocks.
SKEW_S = 5.0


@dataclass(frozen=True)
class RunState:
    """A run as it is now.

    Args:
        run: which run.
        state: its state.
        env_step: how far it is; if it does not run, where it would go on.
        total_steps: how far it is to go; None if that is not known.
        last_return: of the newest evaluation.
        sps: env steps a second.
        error: one line about why the run is not done, and whatever else a user should know.
        task: the newest task of the run, None if there is none.
    """

    run: SweepRun
    state: State
    env_step: int
    total_steps: int | None
    last_return: float | None
    sps: float | None
    error: str
    task: Task | None

    @property
    def can_be_retried(self) -> bool:
        """Whether the run is not done, and nothing trains it or will train it."""
        return self.state not in ("done", "running") and (self.task is None or self.task.fate == "gone")

    @property
    def is_alive(self) -> bool:
        """Whether the run is being trained, or a task may still start it."""
        return self.state != "done" and not self.can_be_retried


def states(sweep: SweepFolder, lost: str | None = None) -> list[RunState]:
    """Return every run of the sweep as it is now, in their order.

    Args:
        sweep: the folder of a sweep, or a folder with runs of Hydra's own launchers.
        lost: a host or a cluster that is gone for good.

    Raises:
        UserError: the folder has no runs.
    """
    if not sweep.exists:
        return _hydra_states(sweep)
    runs = sweep.runs
    known = sweep.tasks()
    cancelled = sweep.cancelled_tasks()
    # the tasks before the folders: a run that ends in between is done
    tasks = find_tasks({name: known.origins[name] for name in known.newest.values()}, lost)
    found = []
    for run, summary in zip(runs, summarize_all([run.path for run in runs]), strict=True):
        name = known.newest.get(run.number)
        if name is None:
            found.append(_state(run, summary, None, is_newer=True))
            continue
        skew_s = 0 if is_pool(name) else SKEW_S
        is_newer = summary.written_at >= known.submitted_at[name] - skew_s
        one = _state(run, summary, tasks[name], is_newer, name in cancelled)
        is_silent = one.state == "vanished" and not one.error
        found.append(replace(one, error=sweep.last_error_line(name)) if is_silent else one)
    return found


def submitters(sweep: SweepFolder) -> dict[str, Origin]:
    """Return who submitted each task of a sweep, and where."""
    return sweep.tasks().origins


def state_of(recorded: str | None, is_newer: bool, fate: Fate | None, locked: bool, cancelled: bool = False) -> State:
    """Return the state of a run.

    Args:
        recorded: the state in status.json; None if there is none.
        is_newer: whether that was written after the run was given to its newest task.
        fate: of that task; None if the run was given to none.
        locked: whether a process holds the run folder.
        cancelled: whether a user has ended that task, by `ddpg-sweep cancel` or a signal.
    """
    if recorded == "done":
        return "done"
    if locked:
        return "running"
    if fate is None and recorded is None:
        return "not submitted"
    if fate == "waiting" or (fate == "started" and not is_newer):
        return "pending"
    if recorded in ("failed", "interrupted"):
        return "failed" if recorded == "failed" else "interrupted"
    if fate in ("started", "unknown"):
        return "running" if recorded == "running" else "pending"
    return "cancelled" if cancelled else "vanished"


def is_locked(folder: Path) -> bool:
    """Whether a process trains in a run folder: on this host, or on any host whose locks the file system shows."""
    try:
        with (folder / ".lock").open(encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # nothing has ever trained here, or the file system has no locks
        return False
    return False


def _hydra_states(sweep: SweepFolder) -> list[RunState]:
    """Return the runs of a sweep that Hydra's own launchers trained."""
    runs = find_runs(sweep.path)
    summaries = summarize_all([run.path for run in runs])
    return [
        _state(run, summary, last_process(run) if summary.state == "running" else Task("gone"), is_newer=True)
        for run, summary in zip(runs, summaries, strict=True)
    ]


def _state(run: SweepRun, summary: RunSummary, task: Task | None, is_newer: bool, cancelled: bool = False) -> RunState:
    fate = None if task is None else task.fate
    locked = summary.state == "running" and fate in ("gone", None) and is_locked(run.path)
    state = state_of(summary.state, is_newer, fate, locked, cancelled)
    return RunState(
        run=run,
        state=state,
        env_step=summary.reached_step if state == "running" else summary.saved_step,
        total_steps=summary.total_steps,
        last_return=summary.last_return,
        sps=summary.sps,
        error=_error_line(state, summary, task),
        task=task,
    )


def _error_line(state: State, summary: RunSummary, task: Task | None) -> str:
    """Return why a job waits, where a pool is, why status.json cannot be read, and the error of the run."""
    parts = []
    if task is not None and state != "done":
        parts += [task.reason, task.host and f"on {task.host}"]
    parts.append(summary.unreadable)
    if state in ("failed", "interrupted", "vanished"):
        parts.append(summary.error)
    return "; ".join(filter(None, parts))
