"""The tasks that train a sweep's runs: jobs of Slurm, and pools of processes on some machine."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ddpg.sweep.process import start_time
from ddpg.sweep.slurm import QueuedJob, cluster_name, queue
from ddpg.sweep.state.folder import Origin

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
        host: the machine, or the cluster, that would have to be asked.
    """

    fate: Fate
    reason: str = ""
    host: str = ""


#: A job while Slurm does not answer.
SLURM_IS_SILENT = Task("unknown")


def find_tasks(submitters: Mapping[str, Origin], lost: str | None = None) -> dict[str, Task]:
    """Return each task as it is now; squeue is asked once, or not at all if no task is a job of this cluster.

    Args:
        submitters: who submitted each task and where, by its name.
        lost: a host that is gone for good, with its pools, or a cluster with its jobs.
    """
    jobs = {name: origin for name, origin in submitters.items() if not is_pool(name)}
    here = cluster_name() if any(origin.cluster is not None for origin in jobs.values()) else None
    owners = {origin.user for origin in jobs.values() if origin.cluster in (None, here)}
    queued = queue(owners) if owners else {}
    found = {name: _pool(name, lost) for name in submitters if is_pool(name)}
    for name, origin in jobs.items():
        elsewhere = origin.cluster not in (None, here)
        found[name] = _job_elsewhere(origin.cluster or "", here, lost) if elsewhere else _job(name, queued)
    return found


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


def _job_elsewhere(cluster: str, here: str | None, lost: str | None) -> Task:
    """Return a job of another cluster, whose number means another job here; `here` is None if Slurm is silent."""
    if cluster == lost:
        return Task("gone")
    return SLURM_IS_SILENT if here is None else Task("unknown", host=cluster)


def _pool(name: str, lost: str | None) -> Task:
    host, pid = host_and_pid(name)
    if host != socket.gethostname():
        return Task("gone") if host == lost else Task("unknown", host=host)
    if pid == os.getpid():  # a launcher asks before its pool has runs, or after it has none any more
        return Task("gone")
    return Task("started" if start_time(pid) == name.rpartition(":")[2] else "gone")
