"""The sweeps of a live page: how many of their runs are done, what waits and why, and when all will be done."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ddpg.report.live.followed import Followed
from ddpg.report.live.sweeps import Duty
from ddpg.sweep.state.status import STATES, State

#: Waiting runs, and folders that cannot be read, that are named one by one.
NAMED = 20


def queues(
    sweeps: Mapping[Path, Sequence[Path]], duties: Mapping[Path, Duty], runs: Mapping[Path, Followed]
) -> dict[str, Any]:
    """Return the sweeps that are not done, loose runs that have not begun, and folders that cannot be read.

    Args:
        sweeps: the run folders of each sweep.
        duties: what is known about the tasks of runs of sweeps.
        runs: those whose folders are there.
    """
    listed = [_queue(sweep, paths, duties, runs) for sweep, paths in sweeps.items()]
    loose = [path for path, run in runs.items() if run.is_seen and not _has_begun(run) and path not in duties]
    problems = [(path, run.watched.problem) for path, run in runs.items() if run.watched.problem]
    return {
        "sweeps": [one for one in listed if one["counts"].get("done", 0) < one["runs"]],
        "beginning": [str(path) for path in loose[:NAMED]],
        "problems": [{"folder": str(path), "why": why} for path, why in problems[:NAMED]],
        "more_problems": max(len(problems) - NAMED, 0),
    }


def _queue(
    sweep: Path, paths: Sequence[Path], duties: Mapping[Path, Duty], runs: Mapping[Path, Followed]
) -> dict[str, Any]:
    begun = [runs[path] for path in paths if path in runs]
    states = {path: _state(duties[path], runs.get(path)) for path in paths}
    waiting = [path for path, state in states.items() if state == "pending"]
    reasons = {task.reason for path in waiting if (task := duties[path].task) and task.reason}
    number = Counter(states.values())
    return {
        "folder": str(sweep),
        "runs": len(paths),
        "counts": {state: number[state] for state in STATES if number[state]},
        "waiting": [str(path) for path in waiting[:NAMED]],
        "reason": ", ".join(sorted(reasons)),
        "share": _share(begun, len(paths)),
        "left_s": _left_s(begun, len(waiting)),
    }


def _state(duty: Duty, run: Followed | None) -> State:
    """Return the state of a run of a sweep, also of one whose folder is not there."""
    return run.state if run is not None and run.is_seen else duty.state(None, 0.0, locked=False)


def _has_begun(run: Followed) -> bool:
    return run.watched.record is not None or bool(run.watched.problem)


def _left_s(runs: Sequence[Followed], waiting: int) -> int | None:
    """Estimate the seconds until running and waiting runs are done, at today's speed of all of them together."""
    running = [run.watched for run in runs if run.state == "running" and run.watched.speed]
    if not running:
        return None
    steps = [max(run.total_steps - run.step, 0) for run in running]
    speeds = [run.speed or 1.0 for run in running]
    ahead = waiting * max(run.total_steps for run in running)
    together = (sum(steps) + ahead) / sum(speeds)
    slowest = max(left / speed for left, speed in zip(steps, speeds, strict=True))
    return round(max(together, slowest))


def _share(runs: Sequence[Followed], number: int) -> float:
    """Return the share of all steps of a sweep that are made, if its runs are to make equally many."""
    shares = [1.0 if run.state == "done" else run.watched.share for run in runs]
    return round(sum(shares) / max(number, 1), 4)
