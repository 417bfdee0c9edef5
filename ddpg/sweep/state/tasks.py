"""What became of the tasks that a sweep's runs were given to: jobs of Slurm, pools of processes on some host."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ddpg.sweep.process import start_time
from ddpg.sweep.slurm import QueuedJob, queue

#: Slurm's states of a job that is not executed now and will be; in every other one that squeue shows, it is.
WAITING = {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT", "RESV_DEL_HOLD"}
#: What a job waits for in the course of things; every other reason is worth telling.
ORDINARY = {"None", "Priority", "Resources", "JobArrayTaskLimit", "BeginTime", "Cleaning"}

Fate = Literal["waiting", "started", "gone", "unknown"]


@dataclass(frozen=True)
class Task:
    """Whether a task waits in the queue, was started, is gone, or cannot be asked after.

    `reason`: why it waits, where that is not in the course of things; `host`: the one that would have to be asked.
    """

    fate: Fate
    reason: str = ""
    host: str = ""


#: Of a job while Slurm does not answer.
NO_SLURM = Task("unknown")


def look(users: Mapping[str, int], lost: str | None = None) -> dict[str, Task]:
    """Each task as it is now; `users`: the uid of who submitted it. Pools of the host `lost` are gone.

    Asks Slurm once, if at all.
    """
    owners = {user for name, user in users.items() if not is_pool(name)}
    queued = queue(owners) if owners else {}
    return {name: _pool(name, lost) if is_pool(name) else _job(name, queued) for name in users}


def is_pool(name: str) -> bool:
    """Whether a task is a pool of processes, HOST:PID:STARTED, and none of Slurm's."""
    return ":" in name


def host_and_pid(pool: str) -> tuple[str, int]:
    """Where a pool runs."""
    host, pid, _ = pool.rsplit(":", 2)
    return host, int(pid)


def _job(name: str, queued: dict[str, QueuedJob] | None) -> Task:
    if queued is None:
        return NO_SLURM
    job = queued.get(name)
    if job is None:
        return Task("gone")
    if job.state in WAITING:
        return Task("waiting", reason="" if job.reason in ORDINARY else job.reason)
    return Task("started")


def _pool(name: str, lost: str | None) -> Task:
    host, pid = host_and_pid(name)
    if host != socket.gethostname():
        return Task("gone") if host == lost else Task("unknown", host=host)
    asks_itself = pid == os.getpid()  # when it has no runs yet, or none any more
    return Task("started" if not asks_itself and start_time(pid) == name.rpartition(":")[2] else "gone")
