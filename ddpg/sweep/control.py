"""`ddpg-sweep retry` and `cancel`: from the state of a sweep to the next attempt, or to its end."""

import os
import shlex
import signal
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from ddpg.config.signature import as_written, nearest
from ddpg.errors import UserError
from ddpg.sweep import slurm
from ddpg.sweep.execute.handover import hand_over, wait_for_end
from ddpg.sweep.options import SlurmOptions, options
from ddpg.sweep.state import hydra_sweeps as stock
from ddpg.sweep.state.folder import SweepFolder
from ddpg.sweep.state.status import RunState, states, users
from ddpg.sweep.state.table import number_of_runs, outcome
from ddpg.sweep.state.tasks import NO_SLURM, host_and_pid, is_pool, look

#: Seconds that the runs have to save and end. Slurm kills them after its KillWait, 30 unless the cluster changed it.
PATIENCE_S = 60.0
POLL_S = 0.5


def retry(sweep: SweepFolder, given: Mapping[str, Any], lost: str | None) -> bool:
    """Hands over what is neither done nor alive, in the same folders.

    Returns False if it waited for the runs and not all of them are done. UserError: no sweep of ours, wrong options,
    Slurm that cannot be asked, another retry at work.

    Args:
        sweep: its folder.
        given: options of its launcher that shall be others than they were.
        lost: a host that is gone for good, with the processes that it had.
    """
    _require_ours(sweep)
    with sweep.alone():
        runs = states(sweep, lost)
        _require_slurm(runs)
        chosen = options(_with_options(sweep, given))
        _say_what_is_elsewhere(sweep.path, runs)
        numbers = [run.run.number for run in runs if run.can_be_retried]
        if not numbers:
            print(f"nothing to retry\n{outcome(sweep, runs)}")
            return True
        if isinstance(chosen, SlurmOptions):
            slurm.require_submittable(chosen, len(numbers), sweep.threads)
        print(f"retry of {number_of_runs(len(numbers))}: {ranges(numbers)}", flush=True)
        wait = hand_over(sweep, numbers, chosen)
    ended = wait_for_end(sweep, wait)
    return not chosen.wait or all(run.state == "done" for run in ended if run.run.number in numbers)


def _with_options(sweep: SweepFolder, given: Mapping[str, Any]) -> dict[str, Any]:
    """The options of the sweep's launcher, with those given; keys of a mapping are added to it, as Hydra does."""
    launcher = sweep.launcher
    known = [name for name in launcher if name != "kind"]
    for key, value in given.items():
        if key not in known:
            near = nearest(key, known, most=30)
            raise UserError(f"{key}={as_written(value)}: hydra/launcher={launcher['kind']} has no such option{near}")
        both = isinstance(value, Mapping) and isinstance(launcher[key], Mapping)
        launcher[key] = {**launcher[key], **value} if both else value
    return launcher


def cancel(sweep: SweepFolder) -> None:
    """Stops what is alive of the sweep; returns when that has saved and ended. UserError if it does not end."""
    _require_ours(sweep)
    with sweep.alone():
        runs = states(sweep)
        _require_slurm(runs)
        alive = _alive(users(sweep))
        pools = sorted(host_and_pid(task)[1] for task in alive if is_pool(task))
        jobs = sorted({task.partition("_")[0] for task in alive if not is_pool(task)})  # arrays are of one sweep
        told = [f"Slurm's {', '.join(jobs)}"] * bool(jobs) + [f"process {pid}" for pid in pools]
        print(f"told to save and end: {' and '.join(told)}" if told else "nothing of this sweep is alive", flush=True)
        if jobs:
            slurm.cancel(jobs)
        for pid in pools:
            _end(pid)
    _say_what_is_elsewhere(sweep.path, runs)
    _wait_for_the_end(alive)
    print(outcome(sweep, states(sweep)))


def _end(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGTERM)
    except ProcessLookupError:  # it has ended by itself
        pass
    except PermissionError as error:
        raise UserError(f"process {pid} belongs to another user, who alone can end it") from error


def ranges(numbers: Sequence[int]) -> str:
    """`1, 4, 7-9`; of sorted numbers."""
    rows = [[n for _, n in group] for _, group in groupby(enumerate(numbers), lambda pair: pair[1] - pair[0])]
    return ", ".join(str(row[0]) if len(row) == 1 else f"{row[0]}-{row[-1]}" for row in rows)


def _require_ours(sweep: SweepFolder) -> None:
    if not sweep.exists:
        stock.runs_of(sweep.path)
        raise UserError(
            f"{sweep.path} has no sweep.json: a launcher of Hydra's ran it, which can be asked for nothing; go on with "
            "one of its runs: ddpg-train resume=RUN"
        )


def _require_slurm(runs: Sequence[RunState]) -> None:
    if any(run.task == NO_SLURM and run.state != "done" for run in runs):
        raise UserError("Slurm cannot be asked (squeue) what became of the jobs, so nothing is done")


def _say_what_is_elsewhere(sweep: Path, runs: Sequence[RunState]) -> None:
    """Runs of pools on other hosts: no process can be looked at from here."""
    elsewhere = Counter(run.task.host for run in runs if run.task and run.task.host and run.state != "done")
    for host, count in elsewhere.items():
        print(
            f"{number_of_runs(count)} left alone: {host} has {'it' if count == 1 else 'them'}, so do this there; "
            f"if {host} is gone for good: ddpg-sweep retry {shlex.quote(str(sweep))} lost={host}"
        )


def _alive(tasks: Mapping[str, int]) -> dict[str, int]:
    """Those that wait or were started, and jobs that Slurm does not tell of right now; each with its user."""
    now = look(tasks)
    return {
        name: user for name, user in tasks.items() if now[name].fate in ("waiting", "started") or now[name] == NO_SLURM
    }


def _wait_for_the_end(tasks: Mapping[str, int]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while tasks := _alive(tasks):
        if time.monotonic() > deadline:
            raise UserError(f"still alive after {PATIENCE_S:.0f} s: {', '.join(sorted(tasks)[:5])}; ask again later")
        time.sleep(POLL_S)
