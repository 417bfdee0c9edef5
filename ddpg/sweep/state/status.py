"""The state of every run of a sweep: what its folder says, and what became of the task that it was given to."""

import fcntl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

from ddpg.sweep.state import hydra_sweeps as stock
from ddpg.sweep.state.folder import Run, SweepFolder
from ddpg.sweep.state.summary import Glance, glances
from ddpg.sweep.state.tasks import Fate, Task, is_pool, look

State = Literal["done", "running", "pending", "failed", "interrupted", "vanished", "not submitted"]
STATES: tuple[State, ...] = get_args(State)
#: Seconds by which the file of a job may look older than it is: two machines have two clocks.
SKEW_S = 5.0


@dataclass(frozen=True)
class RunState:
    """A run as it is now.

    `env_step`: how far it is, or if it does not run, where it would go on; `sps`: env steps a second; `error`: the
    first line of why it is not done, or of what else is to be known; `task`: the newest it was given to, None if none.
    """

    run: Run
    state: State
    env_step: int
    total_steps: int | None
    last_return: float | None
    sps: float | None
    error: str
    task: Task | None

    @property
    def can_be_retried(self) -> bool:
        """Not done, and nothing works on it or will."""
        return self.state not in ("done", "running") and (self.task is None or self.task.fate == "gone")

    @property
    def is_alive(self) -> bool:
        """Being trained, or something may still start it."""
        return self.state != "done" and not self.can_be_retried


def states(sweep: SweepFolder, lost: str | None = None) -> list[RunState]:
    """Every run of the sweep, in their order; `lost` is a host that is gone. UserError if the folder holds none."""
    if not sweep.exists:
        return _of_hydra(sweep)
    given = {
        task: datetime.fromisoformat(submission.time).timestamp()
        for submission in sweep.submissions()
        for task in submission.tasks
    }
    runs, newest, by = sweep.runs, sweep.task_of(), users(sweep)
    tasks = look({name: by[name] for name in newest.values()}, lost)  # first: a run that ends in between is done
    found = []
    for run, seen in zip(runs, glances([run.path for run in runs]), strict=True):
        name = newest.get(run.number)
        since = name is None or seen.at >= given[name] - (0 if is_pool(name) else SKEW_S)
        found.append(_state(run, seen, None if name is None else tasks[name], since))
    return found


def users(sweep: SweepFolder) -> dict[str, int]:
    """Who submitted each task: a table can be of a colleague's sweep, and several can retry one."""
    return {task: submission.user for submission in sweep.submissions() for task in submission.tasks}


def state_of(said: str | None, since: bool, fate: Fate | None, held: bool) -> State:
    """What a run's state is.

    Args:
        said: by status.json; None: nothing.
        since: whether that was written after the run was given to its newest task.
        fate: of that task; None: the run was given to none.
        held: whether a process holds the run folder.
    """
    if said == "done":
        return "done"
    if held:
        return "running"
    if fate is None and said is None:
        return "not submitted"
    if fate == "waiting" or (fate == "started" and not since):
        return "pending"
    if said in ("failed", "interrupted"):
        return "failed" if said == "failed" else "interrupted"
    if fate in ("started", "unknown"):
        return "running" if said == "running" else "pending"
    return "vanished"


def is_held(folder: Path) -> bool:
    """Whether a process trains in a run folder: on this host, or on any where the file system tells."""
    try:
        with (folder / ".lock").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # nobody ever trained here, or the file system has no locks
        return False
    return False


def _of_hydra(sweep: SweepFolder) -> list[RunState]:
    runs = stock.runs_of(sweep.path)
    return [
        _state(run, seen, stock.process_of(run) if seen.said == "running" else Task("gone"), since=True)
        for run, seen in zip(runs, glances([run.path for run in runs]), strict=True)
    ]


def _state(run: Run, seen: Glance, task: Task | None, since: bool) -> RunState:
    fate = None if task is None else task.fate
    held = seen.said == "running" and fate in ("gone", None) and is_held(run.path)
    state = state_of(seen.said, since, fate, held)
    told = [] if task is None or state == "done" else [task.reason, task.host and f"on {task.host}"]
    error = seen.error if state in ("failed", "interrupted", "vanished") else ""
    return RunState(
        run, state, seen.reached if state == "running" else seen.saved, seen.total_steps, seen.last_return, seen.sps,
        "; ".join(filter(None, (*told, seen.fault, error))), task,
    )  # fmt: skip
