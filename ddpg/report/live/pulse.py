"""The part of a run that changes while it goes on: its state, how far it is, how fast, and what time it needs."""

import socket
from typing import Any

from ddpg.report.live.sweeps import Duty
from ddpg.report.live.watched import RETURN, TRAINING_RETURN, Watched
from ddpg.sweep.state.status import State, is_locked
from ddpg.sweep.state.tasks import Task

#: Significant digits of speeds and returns.
DIGITS = 6


def state(run: Watched, duty: Duty | None) -> State:
    """Return the state of a run, as `ddpg-sweep status` does; `duty` is None for a run that belongs to no sweep.

    A run that says that it runs, and whose folder no process holds, has vanished: it was killed, or its machine was.
    """
    known = duty if duty is not None else Duty(_last_process(run) if run.state == "running" else Task("gone"))
    fate = None if known.task is None else known.task.fate
    may_be_dead = run.state == "running" and fate in ("gone", None)
    locked = may_be_dead and (run.has_grown or is_locked(run.path))
    return known.state(run.state, run.written_at, locked)


def pulse(run: Watched, now: State) -> dict[str, Any]:
    """Return what changes while a run goes on."""
    speed = run.speed if now == "running" else None
    left = max(run.total_steps - run.step, 0)
    error = run.problem or (run.record.status.get("error") if run.record else None)
    return {
        "state": now,
        "step": run.step,
        "error": str(error).partition("\n")[0] if error else None,
        "live": {
            "speed": _rounded(speed),
            "left_s": None if not speed else round(left / speed),
            "return": _rounded(run.newest(RETURN)),
            "training_return": _rounded(run.newest(TRAINING_RETURN)),
            "where": where(run),
            "written": run.rows_at,
        },
    }


def where(run: Watched) -> str | None:
    """Return the machine of the newest start, with the job on Slurm if it was one; None if that is not on record."""
    starts = [start for start in run.record.starts if "machine" in start] if run.record else []
    if not starts:
        return None
    host = (starts[-1]["machine"] or {}).get("host")
    job = (starts[-1].get("slurm") or {}).get("SLURM_JOB_ID")
    return f"{host}, job {job}" if job else host


def _last_process(run: Watched) -> Task:
    """Return the process that last trained a run, as a task: on this machine it would hold the folder's lock."""
    starts = run.record.starts if run.record else []
    host = (starts[-1].get("machine") or {}).get("host") if starts else None
    return Task("gone") if host in (None, socket.gethostname()) else Task("unknown", host=host)


def _rounded(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.{DIGITS}g}")
