"""Jobs that Slurm would refuse, or would take and never start: found before the submission."""

import getpass
import math
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from ddpg.config.spelling import nearest
from ddpg.errors import UserError
from ddpg.sweep import slurm
from ddpg.sweep.options import SlurmOptions
from ddpg.sweep.slurm import Partition

#: What sbatch prints when the answer of Slurm's controller does not come, which may have taken the jobs by then.
NO_ANSWER = re.compile(
    "timed? ?out|unable to contact slurm controller|communication|zero bytes were transmitted|"
    "(message|socket|connection)[^:;]*(fail|reset|refused|closed)|killed for an unknown reason",
    re.IGNORECASE,
)


def require_submittable(options: SlurmOptions, runs: int, threads: int, mem_gb: int = 0) -> None:
    """Raise UserError for jobs that Slurm would refuse, or would take and never start.

    What only sbatch knows (whether the account, qos and constraint exist) it says at the submission: see `refusal`.

    Args:
        options: what the jobs ask for.
        runs: how many runs they train together.
        threads: cores of each run, where the options leave the cores of a job open.
        mem_gb: GiB of each job, where the options leave its memory open.
    """
    if shutil.which("sbatch") is None:
        raise UserError(f"hydra/launcher=slurm needs sbatch, which is not on this machine: {slurm.WITHOUT_SLURM}")
    if options.timeout_min * 60 <= options.signal_delay_s:
        raise UserError(
            f"hydra.launcher.timeout_min={options.timeout_min} leaves no time before the warning: "
            f"it must be more than hydra.launcher.signal_delay_s={options.signal_delay_s} seconds"
        )
    _require_node(options, _needs(options, threads, mem_gb))
    _require_place_in_queue(options, math.ceil(runs / options.runs_per_job))


def refusal(stderr: str, options: SlurmOptions) -> UserError:
    """Return sbatch's refusal as one line, with the options that are most likely its reason."""
    names = ("partition", "account", "qos", "constraint", "additional_parameters")
    suspects = {name: getattr(options, name) for name in names}
    listed = " ".join(f"hydra.launcher.{name}={value}" for name, value in suspects.items() if value)
    reason = slurm.error_line(stderr).replace("Batch job submission failed: ", "")
    return UserError(f"sbatch refuses the jobs: {reason}" + (f" ({listed})" if listed else ""))


def may_be_queued(stderr: str) -> bool:
    """Whether sbatch has failed without an answer of Slurm, so that its jobs may be in the queue all the same."""
    return NO_ANSWER.search(stderr) is not None


@dataclass(frozen=True)
class _Need:
    """An amount that each job needs of its node; `is_chosen`: an option names it, it does not follow from others."""

    option: str
    amount: int
    is_chosen: bool


def _needs(options: SlurmOptions, threads: int, mem_gb: int) -> list[_Need]:
    """Return what a job needs, in the order of `_offers`."""
    return [
        _Need("mem_gb", options.mem_gb or mem_gb, options.mem_gb is not None),
        _Need("cpus_per_task", options.cores(threads), options.cpus_per_task is not None),
        _Need("gpus_per_node", options.gpus_per_node or 0, options.gpus_per_node is not None),
    ]


def _offers(partition: Partition) -> list[tuple[int, int, int]]:
    """Return the GiB, cores and GPUs of the nodes of each kind."""
    return [(node.memory_mb // 1024, node.cpus, node.gpus) for node in partition.nodes]


def _require_node(options: SlurmOptions, needs: Sequence[_Need]) -> None:
    """Raise UserError if no node of the chosen partitions can ever start such a job."""
    obstacles = [_obstacle(partition, options, needs) for partition in _chosen(options.partition)]
    if all(obstacles):
        raise UserError(str(obstacles[0]))


def _require_place_in_queue(options: SlurmOptions, jobs: int) -> None:
    """Raise UserError for more jobs than the cluster's queue holds, or than this user may have there."""
    user = getpass.getuser()
    limits = {
        "this Slurm's queue holds, MaxJobCount": slurm.limits().jobs,
        f"user {user} may have in the queue, MaxSubmitJobs": slurm.submit_limit(options.account, options.qos),
    }
    for name, most in limits.items():
        if jobs > most:
            runs_per_job = math.ceil(jobs / most) * options.runs_per_job
            raise UserError(
                f"{jobs} jobs are more than {name}={most:g}: "
                f"hydra.launcher.runs_per_job={runs_per_job} or more packs them"
            )


def _chosen(names: str | None) -> list[Partition]:
    """Return the partitions in which a job may run: the named ones ("gpu" or "gpu,long"), or the default."""
    known = slurm.partitions()
    by_name = {partition.name: partition for partition in known}
    listed = ", ".join(by_name)
    if names is None:
        default = [partition for partition in known if partition.default]
        if not default:
            raise UserError(f"hydra.launcher.partition=null: this cluster has no default; there are {listed}")
        return default
    for name in names.split(","):
        if name not in by_name:
            near = nearest(name, by_name, most=0)
            raise UserError(f"hydra.launcher.partition={names}: there is no {name} among {listed}{near}")
    return [by_name[name] for name in names.split(",")]


def _obstacle(partition: Partition, options: SlurmOptions, needs: Sequence[_Need]) -> str | None:
    """Return why no job of this kind can ever run in a partition, or None if it can."""
    place = f"partition {partition.name}"
    if options.timeout_min > partition.max_minutes:
        return (
            f"hydra.launcher.timeout_min={options.timeout_min} is more than the {partition.max_minutes:g} minutes that "
            f"{place} allows: the jobs would wait for ever; runs that need longer are requeued at the limit and go on"
        )
    offers = _offers(partition)
    if not offers:
        return f"hydra.launcher.partition={partition.name}: it has no nodes"
    for need, offered in zip(needs, zip(*offers, strict=True), strict=True):
        if need.amount > max(offered):
            origin = "" if need.is_chosen else f" (from hydra.launcher.runs_per_job={options.runs_per_job})"
            return (
                f"hydra.launcher.{need.option}={need.amount}{origin} is more than any node of {place} offers: "
                f"{max(offered)} at most"
            )
    amounts = [need.amount for need in needs]
    if not any(all(n <= has for n, has in zip(amounts, offer, strict=True)) for offer in offers):
        wanted = ", ".join(f"{need.option}={need.amount}" for need in needs)
        return f"no node of {place} has at the same time what hydra.launcher asks for: {wanted}"
    return None
