"""The tasks that train a sweep's runs: jobs of Slurm, and pools of processes on some machine."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ddpg.sweep.process import start_time
from ddpg.sweep.slurm import QueuedJob, queue

#: Slurm's states of a job that is not executed now and will be; in every other state that squeue shows, it is.
WAITING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD"}
#: Slurm's reasons for which jobs usually wait; every other reason is shown.
USUAL = {"None", "Priority", "Resources", "JobArrayTaskLimit", "BeginTime", "Cleaning"}

Fate = Literal["waiting", "started", "gone", "unknown"]


@dataclass(frozen=True)
class Task:
    """A task as it is now.

    Args:
        fate: whether it waits in the queue, was started, has gone, or cannot be asked for.
        reason: why it waits, unless the reason is usual.
        host: the machine that would have to be asked.
    """

    fate: Fate
    reason: str = ""
    host: str = ""


#: A job while Slurm does not answer.
SLURM_IS_SILENT = Task("unknown")


def find_tasks(submitters: Mapping[str, int], lost: str | None = None) -> dict[str, Task]:
    """Return each task as it is now; Slurm is asked once, or not at all if no task is a job.

    Args:
        submitters: the uid of who submitted each task, by its name.
        lost: a host that is gone for good, with its pools.
    """
    owners = {user for name, user in submitters.items() if not is_pool(name)}
    queued = queue(owners) if owners else {}
    return {name: _pool(name, lost) if is_pool(name) else _job(name, queued) for name in submitters}


def is_pool(name: str) -> bool:
    """Whether a task is a pool of processes, HOST:PID:STARTED, and not a job of Slurm."""
    return ":" in name


def host_and_pid(pool: str) -> tuple[str, int]:
    """Return the machine and the process of a pool."""
    host, pid, _ = pool.rsplit(":", 2)
    return host, int(pid)


def _job(name: str, queued: Mapping[str, QueuedJob] | None) -> Task:
    if queued is None:
        return SLURM_IS_SILENT
    job = queued.get(name)
    if job is None:
        return Task("gone")
    if job.state in WAITING:
        return Task("waiting", reason="" if job.reason in USUAL else job.reason)
    return Task("started")


def _pool(name: str, lost: str | None) -> Task:
    host, pid = host_and_pid(name)
    if host != socket.gethostname():
        return Task("gone") if host == lost else Task("unknown", host=host)
    if pid == os.getpid():  # a launcher asks before its pool has runs, or after it has none any more
        return Task("gone")
    return Task("started" if start_time(pid) == name.rpartition(":")[2] else "gone")
