"""`ddpg-sweep retry` and `cancel`: from the state of a sweep to the next attempt, or to its end."""

import os
import shlex
import signal
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from yaml import YAMLError

from ddpg.config.spelling import as_written, nearest
from ddpg.errors import UserError, first_line
from ddpg.record.run_folder import RunFolder, read_yaml
from ddpg.sweep import slurm
from ddpg.sweep.execute.handover import hand_over, wait_for_end
from ddpg.sweep.options import SlurmOptions, options
from ddpg.sweep.slurm_checks import require_submittable
from ddpg.sweep.state.folder import Origin, SweepFolder
from ddpg.sweep.state.hydra_sweeps import find_runs
from ddpg.sweep.state.status import RunState, states, submitters
from ddpg.sweep.state.table import number_of_runs, outcome
from ddpg.sweep.state.tasks import SLURM_IS_SILENT, Task, find_tasks, host_and_pid, is_pool

#: Seconds in which the runs have to save and end. Slurm kills them after its KillWait, which is 30 by default.
PATIENCE_S = 60.0
#: The fates of tasks that can be ended.
ALIVE = ("waiting", "started")
#: Seconds between two looks at what is alive, at first and at last.
POLL_S = (0.5, 5.0)


def retry(sweep: SweepFolder, changes: Mapping[str, Any], lost: str | None) -> bool:
    """Hand over the runs that are neither done nor alive, in the same folders.

    Args:
        sweep: the folder of the sweep.
        changes: options of its launcher that replace those of the sweep, for this attempt.
        lost: a host that is gone for good, with the processes that it had, or a cluster with its jobs.

    Returns:
        False if it waited for the runs and not all of them are done, otherwise True.

    Raises:
        UserError: no sweep of this package, wrong options, Slurm cannot be asked, or another retry is at work.
    """
    _require_manifest(sweep)
    with sweep.lock():
        sweep.require_recorded()
        runs = states(sweep, lost)
        _require_answer(run.task for run in runs if run.task is not None and run.state != "done")
        chosen = options(changed_options(sweep, changes))
        _print_elsewhere(sweep.path, runs)
        retried = [run.run for run in runs if run.can_be_retried]
        numbers = [run.number for run in retried]
        if not numbers:
            print(f"nothing to retry\n{outcome(sweep, runs)}")
            return True
        if isinstance(chosen, SlurmOptions):
            from ddpg.sweep.forecast.requirements import with_memory  # OmegaConf, which only Slurm needs

            chosen = with_memory(chosen, _configs(run.path for run in retried))
            require_submittable(chosen, len(numbers), sweep.threads)
        print(f"retry of {number_of_runs(len(numbers))}: {ranges(numbers)}", flush=True)
        wait = hand_over(sweep, numbers, chosen)
    ended = wait_for_end(sweep, wait)
    return not chosen.wait or all(run.state == "done" for run in ended if run.run.number in numbers)


def _configs(folders: Iterable[Path]) -> Iterator[Mapping[str, Any]]:
    """Yield the configs of run folders; a folder that cannot be read stops its own run alone, when that begins."""
    for folder in folders:
        try:
            yield read_yaml(RunFolder(folder).config)
        except (OSError, YAMLError) as error:
            print(f"{folder}: {first_line(error)}", flush=True)


def changed_options(sweep: SweepFolder, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the options of the sweep's launcher with changes; the keys of a mapping are added to it, as Hydra does."""
    launcher = sweep.launcher
    known = [name for name in launcher if name != "kind"]
    for key, value in changes.items():
        if key not in known:
            near = nearest(key, known, most=30)
            raise UserError(f"{key}={as_written(value)}: hydra/launcher={launcher['kind']} has no such option{near}")
        before = launcher[key]
        launcher[key] = {**before, **value} if isinstance(before, Mapping) and isinstance(value, Mapping) else value
    return launcher


def cancel(sweep: SweepFolder, patience_s: float = 0.0) -> None:
    """Stop what is alive of the sweep, and return when it has saved and ended.

    Args:
        sweep: the folder of the sweep.
        patience_s: seconds for which it is waited until no other command is at work on the sweep.

    Raises:
        UserError: no sweep of this package, Slurm cannot be asked, or a task does not end within PATIENCE_S.
    """
    _require_manifest(sweep)
    with sweep.lock(patience_s):
        runs = states(sweep)
        origins = submitters(sweep)
        tasks = find_tasks(origins)
        is_silent = SLURM_IS_SILENT in tasks.values() and any(run.state != "done" for run in runs)
        alive = [name for name, task in tasks.items() if task.fate in ALIVE]
        pids = sorted(host_and_pid(task)[1] for task in alive if is_pool(task))
        # all tasks of an array are of one sweep, so it can be cancelled as a whole
        jobs = sorted({task.partition("_")[0] for task in alive if not is_pool(task)})
        _print_stopped(jobs, pids)
        sweep.add_cancelled(alive)
        if jobs:
            slurm.cancel(jobs)
        for pid in pids:
            _end(pid)
    if is_silent:
        raise UserError("Slurm cannot be asked what became of the jobs (squeue, scontrol), so none is cancelled")
    _print_elsewhere(sweep.path, runs)
    _wait_for_end({task: origins[task] for task in alive})
    print(outcome(sweep, states(sweep)))


def _print_stopped(jobs: Sequence[str], pids: Sequence[int]) -> None:
    parts = [f"Slurm's {', '.join(jobs)}"] if jobs else []
    parts += [f"process {pid}" for pid in pids]
    line = f"asked to save and end: {' and '.join(parts)}" if parts else "nothing of this sweep is alive"
    print(line, flush=True)


def _end(pid: int) -> None:
    """Send SIGTERM to a process, which may have ended already; raise UserError if it is another user's."""
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:
        pass
    except PermissionError as error:
        raise UserError(f"process {pid} belongs to another user, who alone can end it") from error


def ranges(numbers: Sequence[int]) -> str:
    """Return sorted numbers as `1, 4, 7-9`."""
    groups = groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])
    rows = [[number for _, number in group] for _, group in groups]
    return ", ".join(str(row[0]) if len(row) == 1 else f"{row[0]}-{row[-1]}" for row in rows)


def _require_manifest(sweep: SweepFolder) -> None:
    """Raise UserError if the sweep has no sweep.json, because then no task of its runs is known."""
    if not sweep.exists:
        find_runs(sweep.path)  # a UserError that says what the folder is instead
        raise UserError(
            f"{sweep.path} has no sweep.json: its runs were not given to hydra/launcher=local or slurm, so there is "
            "no record of its jobs; go on with one of its runs: ddpg-train resume=RUN"
        )


def _require_answer(tasks: Iterable[Task]) -> None:
    """Raise UserError if Slurm did not say what became of the jobs."""
    if SLURM_IS_SILENT in tasks:
        raise UserError("Slurm cannot be asked what became of the jobs (squeue, scontrol), so nothing is done")


def _print_elsewhere(sweep: Path, runs: Sequence[RunState]) -> None:
    """Print which runs belong to pools on other hosts, or jobs of other clusters, that cannot be seen from here."""
    elsewhere = Counter(run.task.host for run in runs if run.task and run.task.host and run.state != "done")
    for host, count in elsewhere.items():
        print(
            f"{number_of_runs(count)} left alone: {host} has {'it' if count == 1 else 'them'}, so do this there; "
            f"if {host} is gone for good: ddpg-sweep retry {shlex.quote(str(sweep))} lost={host}"
        )


def _wait_for_end(origins: Mapping[str, Origin]) -> None:
    """Return when none of the tasks is alive any more; raise UserError if that takes longer than PATIENCE_S.

    A job of which Slurm does not tell right now may be alive.
    """
    deadline = time.monotonic() + PATIENCE_S
    pause_s, longest_s = POLL_S
    while origins := _that_may_be_alive(origins):
        if time.monotonic() > deadline:
            raise UserError(f"still alive after {PATIENCE_S:.0f} s: {', '.join(sorted(origins)[:5])}; ask again later")
        time.sleep(pause_s)
        pause_s = min(1.2 * pause_s, longest_s)


def _that_may_be_alive(origins: Mapping[str, Origin]) -> dict[str, Origin]:
    tasks = find_tasks(origins)
    return {
        name: origin for name, origin in origins.items() if tasks[name].fate in ALIVE or tasks[name] == SLURM_IS_SILENT
    }
