"""What Slurm is asked and told: the queue, its partitions and limits, scancel."""

import getpass
import math
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ddpg.config.signature import nearest
from ddpg.errors import UserError
from ddpg.sweep.options import SlurmOptions

ANSWER_S = 60  # Slurm's commands themselves give a silent controller up after about 10 s
CANCELLED_AT_ONCE = 500  # ids in one scancel
#: Variables by which users change what these commands print or ask back.
CUSTOMS = ("SQUEUE_", "SINFO_", "SCANCEL_")


@dataclass(frozen=True)
class QueuedJob:
    """A job in the queue: Slurm's state (RUNNING, PENDING ...) and what it waits for ("None" where for nothing)."""

    state: str
    reason: str


@dataclass(frozen=True)
class Nodes:
    """What a job can get of each node of one kind."""

    memory_mb: int
    cpus: int
    gpus: int


@dataclass(frozen=True)
class Partition:
    """A partition; `max_minutes` is infinite where it has no time limit."""

    name: str
    default: bool
    max_minutes: float
    nodes: tuple[Nodes, ...]


@dataclass(frozen=True)
class Limits:
    """Of the whole cluster: tasks in one array (MaxArraySize), jobs in the queue (MaxJobCount, of all users)."""

    array_size: int
    jobs: int


def queue(users: Iterable[int] | None = None) -> dict[str, QueuedJob] | None:
    """Some users' jobs that wait or run, "1234_7" or "1234" -> job; None if Slurm cannot be asked now.

    `users` are uids; None: whoever asks.
    """
    owner = "--user=" + ",".join(map(str, [os.getuid()] if users is None else sorted(users)))
    try:
        result = _run("squeue", owner, "--array", "--noheader", "--format=%i|%T|%r")
    except UserError:
        return None
    if result.returncode or "Invalid user" in result.stderr:  # 0 with users it does not know
        return None
    jobs = (line.strip().split("|", 2) for line in result.stdout.splitlines() if line.count("|") >= 2)
    return {job: QueuedJob(state, reason) for job, state, reason in jobs}


def cancel(jobs: Sequence[str]) -> None:
    """Ends jobs: SIGTERM, and SIGKILL after the cluster's KillWait. Those that have ended already do not matter."""
    for start in range(0, len(jobs), CANCELLED_AT_ONCE):
        result = _run("scancel", *jobs[start : start + CANCELLED_AT_ONCE])
        harmless = "Invalid job id|already completing or completed|finished"
        if wrong := [line for line in result.stderr.splitlines() if not re.search(harmless, line)]:
            raise UserError(f"scancel: {told(wrong[0])}")


def requeue(job: str) -> None:
    """Puts a running job back into the queue. UserError if Slurm does not."""
    _ask("scontrol", "requeue", job)


def limits() -> Limits:
    """Of the cluster. UserError if Slurm does not answer."""
    config = dict(re.findall(r"^(\w+)\s*= *(.*?) *$", _ask("scontrol", "show", "config"), re.MULTILINE))
    return Limits(int(config["MaxArraySize"]), int(config["MaxJobCount"]))


def partitions() -> list[Partition]:
    """All of them. UserError if Slurm does not answer."""
    nodes: dict[str, list[Nodes]] = {}
    for line in _ask("sinfo", "--all", "--exact", "--noheader", "--format=%R|%D|%m|%c|%G").splitlines():
        name, count, *offer = line.split("|")
        nodes.setdefault(name, []).extend([_nodes(*offer)] if count != "0" else [])
    shown = _ask("scontrol", "--all", "--oneliner", "show", "partition").splitlines()
    return [_partition(dict(re.findall(r"(\w+)=(\S+)", line)), nodes) for line in shown]


def require_submittable(options: SlurmOptions, runs: int, threads: int, mem_gb: int = 0) -> None:
    """Raise UserError for jobs that Slurm would refuse, or would take and never start.

    What only sbatch knows (whether the account, qos and constraint exist) it says at the submission: see `refused`.

    Args:
        options: what the jobs ask for.
        runs: how many runs they train together.
        threads: cores of each run, where the options leave the cores of a job open.
        mem_gb: GiB of each job, where the options leave its memory open.
    """
    tasks = math.ceil(runs / options.runs_per_job)
    if shutil.which("sbatch") is None:
        raise UserError(
            "hydra/launcher=slurm needs sbatch, which is not on this machine: go to a login node of your cluster; "
            "hydra/launcher=local runs the sweep here, scripts/local_slurm.sh start makes a Slurm to try"
        )
    if options.timeout_min * 60 <= options.signal_delay_s:
        raise UserError(
            f"hydra.launcher.timeout_min={options.timeout_min} leaves no time before the warning: "
            f"it must be more than hydra.launcher.signal_delay_s={options.signal_delay_s} seconds"
        )
    chosen = _chosen(options.partition)
    memory, cores = options.mem_gb or mem_gb, options.cores(threads)
    complaints = [_complaint(partition, options, memory, cores) for partition in chosen]
    if all(complaints):
        raise UserError(str(complaints[0]))
    for most, whose in ((limits().jobs, "this Slurm's queue holds, MaxJobCount"), _submit_limit(options)):
        if tasks > most:
            raise UserError(
                f"{tasks} jobs are more than {whose}={most:g}: "
                f"hydra.launcher.runs_per_job={math.ceil(tasks / most) * options.runs_per_job} or more packs them"
            )


def refused(stderr: str, options: SlurmOptions) -> UserError:
    """sbatch's refusal as one line, with the options that are most likely the reason."""
    suspects = {
        name: getattr(options, name) for name in ("partition", "account", "qos", "constraint", "additional_parameters")
    }
    asked = " ".join(f"hydra.launcher.{name}={value}" for name, value in suspects.items() if value)
    reason = told(stderr).replace("Batch job submission failed: ", "")
    return UserError(f"sbatch refuses the jobs: {reason}" + (f" ({asked})" if asked else ""))


def told(stderr: str) -> str:
    """What a command of Slurm complains about, as one line."""
    lines = (re.sub(r"^\w+: (error: |fatal: )?", "", line).strip() for line in stderr.splitlines())
    return "; ".join(dict.fromkeys(line for line in lines if line)) or "it does not say why"


def _submit_limit(options: SlurmOptions) -> tuple[float, str]:
    """How many jobs the user may have in the queue, and which limit that is; infinite where it is not known."""
    user = getpass.getuser()
    account = [f"account={options.account}"] if options.account else []
    asked = [["assoc", f"user={user}", *account, "format=MaxSubmitJobs"]]
    if options.qos:
        asked.append(["qos", f"name={options.qos}", "format=MaxSubmitJobsPerUser"])
    try:
        answers = [_ask("sacctmgr", "--noheader", "--parsable2", "show", *words).split("\n")[:-1] for words in asked]
    except UserError:  # a cluster without accounting; where it has limits all the same, sbatch tells them
        return math.inf, ""
    # with several accounts, the one that allows most: which is the user's default is not asked
    most = min(max((int(line or sys.maxsize) for line in lines), default=sys.maxsize) for lines in answers)
    return most, f"user {user} may have in the queue, MaxSubmitJobs"


def _chosen(names: str | None) -> list[Partition]:
    """The partitions that a job may run in: those named, "gpu" or "gpu,long", or the default one."""
    known = partitions()
    if names is None:
        default = [partition for partition in known if partition.default]
        if not default:
            listed = ", ".join(partition.name for partition in known)
            raise UserError(f"hydra.launcher.partition=null: this cluster has no default; there are {listed}")
        return default
    by_name = {partition.name: partition for partition in known}
    for name in names.split(","):
        if name not in by_name:
            near, listed = nearest(name, by_name, most=0), ", ".join(by_name)
            raise UserError(f"hydra.launcher.partition={names}: there is no {name} among {listed}{near}")
    return [by_name[name] for name in names.split(",")]


def _complaint(partition: Partition, options: SlurmOptions, mem_gb: int, cpus: int) -> str | None:
    """Why no job of this kind can ever run there; None if it can."""
    there, nodes = f"partition {partition.name}", partition.nodes
    if options.timeout_min > partition.max_minutes:
        return (
            f"hydra.launcher.timeout_min={options.timeout_min} is more than the {partition.max_minutes:g} minutes that "
            f"{there} allows: the jobs would wait for ever; runs that need longer are requeued at the limit and go on"
        )
    if not nodes:
        return f"hydra.launcher.partition={partition.name}: it has no nodes"
    needs = {
        "mem_gb": (mem_gb, options.mem_gb, [node.memory_mb // 1024 for node in nodes]),
        "cpus_per_task": (cpus, options.cpus_per_task, [node.cpus for node in nodes]),
        "gpus_per_node": (options.gpus_per_node or 0, options.gpus_per_node, [node.gpus for node in nodes]),
    }
    for name, (needed, said, offered) in needs.items():
        if needed > max(offered):
            origin = f"hydra.launcher.{name}={needed}"
            if said is None:
                origin += f" (from hydra.launcher.runs_per_job={options.runs_per_job})"
            return f"{origin} is more than any node of {there} offers: {max(offered)} at most"
    rows = zip(*(offered for _, _, offered in needs.values()), strict=True)
    if not any(all(n <= has for (n, _, _), has in zip(needs.values(), row, strict=True)) for row in rows):
        wanted = ", ".join(f"{name}={needed}" for name, (needed, _, _) in needs.items())
        return f"no node of {there} has at the same time what hydra.launcher asks for: {wanted}"
    return None


def _ask(*command: str) -> str:
    """What a command of Slurm prints. UserError if it cannot."""
    result = _run(*command)
    if result.returncode:
        raise UserError(f"{command[0]}: {told(result.stderr)}")
    return result.stdout


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(CUSTOMS)}
    try:
        return subprocess.run(command, capture_output=True, text=True, timeout=ANSWER_S, env=environment, check=False)
    except FileNotFoundError as error:
        raise UserError(f"{command[0]} is not on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise UserError(f"{command[0]}: Slurm does not answer within {ANSWER_S} seconds") from error


def _partition(said: dict[str, str], nodes: dict[str, list[Nodes]]) -> Partition:
    """Of what scontrol shows; a job gets no more of a node than MaxMemPerNode and MaxCPUsPerNode."""
    memory, cpus = (
        int(said.get(f"Max{what}PerNode", "").replace("UNLIMITED", "") or sys.maxsize) for what in ("Mem", "CPUs")
    )
    return Partition(
        name=said["PartitionName"],
        default=said["Default"] == "YES",
        max_minutes=_minutes(said["MaxTime"]),
        nodes=tuple(
            Nodes(min(node.memory_mb, memory), min(node.cpus, cpus), node.gpus)
            for node in nodes.get(said["PartitionName"], [])
        ),
    )


def _minutes(limit: str) -> float:
    """Of a time as Slurm shows it: 1-00:00:00, 1:00:00 or 30:00 (minutes and seconds); infinite for UNLIMITED."""
    parts = re.fullmatch(r"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)", limit)
    if parts is None:
        return math.inf
    days, hours, minutes, seconds = (int(part or 0) for part in parts.groups())
    return days * 1440 + hours * 60 + minutes + seconds / 60


def _nodes(memory: str, cpus: str, gres: str) -> Nodes:
    """Of sinfo's columns: "512000", "64", "gpu:a100:4(S:0-1),mps:400"."""
    gpus = sum(int(count) for count in re.findall(r"\bgpu(?::[^:,()]+)?:(\d+)", gres))
    return Nodes(int(memory.rstrip("+")), int(cpus.rstrip("+")), gpus)
