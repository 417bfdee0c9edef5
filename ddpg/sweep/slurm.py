"""Slurm's commands: the queue, the partitions and limits of the cluster, scancel and requeue."""

import getpass
import math
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from ddpg.errors import UserError

#: Seconds; Slurm's commands themselves give up after about 10 s if the controller does not answer.
TIMEOUT_S = 60
#: The most job ids in one call of scancel.
CANCELLED_AT_ONCE = 500
#: Prefixes of the variables with which users change what these commands print, or let them ask back.
CUSTOM_VARIABLES = ("SQUEUE_", "SINFO_", "SCANCEL_")
#: Complaints of scancel about jobs that have ended already.
HARMLESS = re.compile("Invalid job id|already completing or completed|finished")

#: What Slurm's commands print on a machine of no cluster.
NO_CLUSTER = "Could not establish a configuration source"
#: What to do on a machine without Slurm.
WITHOUT_SLURM = (
    "go to a login node of your cluster; hydra/launcher=local runs the sweep here, scripts/local_slurm.sh start makes "
    "a Slurm to try"
)


@dataclass(frozen=True)
class QueuedJob:
    """A job in the queue: Slurm's state (RUNNING, PENDING ...) and its reason for waiting, or "None"."""

    state: str
    reason: str


@dataclass(frozen=True)
class Nodes:
    """Nodes of one kind: the most that a job can get of each."""

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
    """The cluster's limits.

    They are tasks of one array (MaxArraySize and max_array_tasks), and jobs of all users in the queue (MaxJobCount).
    """

    array_size: int
    jobs: int


def queue(users: Iterable[int] | None = None) -> dict[str, QueuedJob] | None:
    """Return the jobs that wait or run, by their ids ("1234_7" or "1234"); None if Slurm cannot be asked now.

    Args:
        users: the uids of their owners; None for the user of this process.
    """
    owners = [os.getuid()] if users is None else sorted(users)
    option = "--user=" + ",".join(map(str, owners))
    try:
        result = _run("squeue", option, "--array", "--noheader", "--format=%i|%T|%r")
    except UserError:
        return None
    if result.returncode or "Invalid user" in result.stderr:  # the exit code is 0 for unknown users
        return None
    jobs = (line.strip().split("|", 2) for line in result.stdout.splitlines() if line.count("|") >= 2)
    return {job: QueuedJob(state, reason) for job, state, reason in jobs}


def cancel(jobs: Sequence[str]) -> None:
    """End jobs by SIGTERM, and by SIGKILL after the cluster's KillWait; jobs that have ended do not matter.

    Raises:
        UserError: Slurm does not answer, or refuses.
    """
    for start in range(0, len(jobs), CANCELLED_AT_ONCE):
        result = _run("scancel", *jobs[start : start + CANCELLED_AT_ONCE])
        complaints = [line for line in result.stderr.splitlines() if not HARMLESS.search(line)]
        if complaints:
            raise UserError(f"scancel: {error_line(complaints[0])}")


def requeue(job: str) -> None:
    """Put a running job back into the queue; raise UserError if Slurm does not."""
    _ask("scontrol", "requeue", job)


def this_job() -> str:
    """Return the id of the job of this process: "1234_7" or "1234"; "" outside of jobs.

    SLURM_JOB_ID alone would mean the whole array for one task of each, the one that has the id of the array.
    """
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array and task else os.environ.get("SLURM_JOB_ID", "")


def is_in_grace(job: str) -> bool:
    """Whether a job is executed and will be preempted when its time of grace is over; False if Slurm cannot be asked.

    A job that scancel or a preemption without grace ends is COMPLETING by then.
    """
    if not job:
        return False
    try:
        fields = dict(re.findall(r"(\w+)=(\S+)", _ask("scontrol", "--oneliner", "show", "job", job)))
    except UserError:
        return False
    return fields.get("JobState") == "RUNNING" and fields.get("PreemptTime", "None") not in ("None", "Unknown")


def limits() -> Limits:
    """Return the limits of the cluster; raise UserError if Slurm does not answer."""
    config = _config()
    of_tasks = re.search(r"\bmax_array_tasks=(\d+)", config.get("SchedulerParameters", ""))
    sizes = [int(config["MaxArraySize"]), *([int(of_tasks[1])] if of_tasks else [])]
    return Limits(min(sizes), int(config["MaxJobCount"]))


def cluster_name() -> str | None:
    """Return the name of the cluster that this process belongs to (ClusterName); None if Slurm cannot be asked now."""
    try:
        return os.environ.get("SLURM_CLUSTER_NAME") or _config().get("ClusterName")  # the variable is in every job
    except UserError:
        return None


def partitions() -> list[Partition]:
    """Return all partitions; raise UserError if Slurm does not answer."""
    nodes: dict[str, list[Nodes]] = {}
    for line in _ask("sinfo", "--all", "--exact", "--noheader", "--format=%R|%D|%m|%c|%G").splitlines():
        name, count, *columns = line.split("|")
        kinds = nodes.setdefault(name, [])
        if count != "0":
            kinds.append(_nodes(*columns))
    lines = _ask("scontrol", "--all", "--oneliner", "show", "partition").splitlines()
    return [_partition(dict(re.findall(r"(\w+)=(\S+)", line)), nodes) for line in lines]


def submit_limit(account: str | None, qos: str | None) -> float:
    """Return how many jobs this user may have in the queue (MaxSubmitJobs); infinite where it is not known."""
    of_account = [f"account={account}"] if account else []
    questions = [["assoc", f"user={getpass.getuser()}", *of_account, "format=MaxSubmitJobs"]]
    if qos:
        questions.append(["qos", f"name={qos}", "format=MaxSubmitJobsPerUser"])
    try:
        answers = [_ask("sacctmgr", "--noheader", "--parsable2", "show", *words) for words in questions]
    except UserError:  # a cluster without accounting: if it has limits all the same, sbatch refuses the jobs
        return math.inf
    return min(_largest(answer.split("\n")[:-1]) for answer in answers)


def failure(stderr: str) -> str:
    """Return why a command of Slurm has failed as one line, with what to do where there is no Slurm."""
    reason = error_line(stderr)
    return f"this machine belongs to no cluster ({NO_CLUSTER}): {WITHOUT_SLURM}" if NO_CLUSTER in reason else reason


def error_line(stderr: str) -> str:
    """Return what a command of Slurm has printed to stderr as one line, without its name and repetitions."""
    lines = (re.sub(r"^\w+: (error: |fatal: )?", "", line).strip() for line in stderr.splitlines())
    return "; ".join(dict.fromkeys(line for line in lines if line)) or "it does not say why"


def _largest(limits: Sequence[str]) -> float:
    """Return the largest of some limits, because sacctmgr does not say which account is the user's default.

    An empty text is no limit.
    """
    return max((int(limit) if limit else math.inf for limit in limits), default=math.inf)


def _config() -> dict[str, str]:
    lines = _ask("scontrol", "show", "config")
    return dict(re.findall(r"^(\w+)\s*= *(.*?) *$", lines, re.MULTILINE))


def _ask(*command: str) -> str:
    """Return what a command of Slurm prints; raise UserError if it fails."""
    result = _run(*command)
    if not result.returncode:
        return result.stdout
    raise UserError(f"{command[0]}: {failure(result.stderr)}")


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(CUSTOM_VARIABLES)}
    try:
        return subprocess.run(
            command,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=TIMEOUT_S,
            env=environment,
            check=False,
        )
    except FileNotFoundError as error:
        raise UserError(f"{command[0]} is not on this machine") from error
    except subprocess.TimeoutExpired as error:
        raise UserError(f"{command[0]}: Slurm does not answer within {TIMEOUT_S} seconds") from error


def _partition(fields: Mapping[str, str], nodes: Mapping[str, Sequence[Nodes]]) -> Partition:
    """Return the partition that a line of scontrol describes.

    A job gets no more of a node than MaxMemPerNode and MaxCPUsPerNode.
    """
    name = fields["PartitionName"]
    memory_mb = _limit(fields.get("MaxMemPerNode", ""))
    cpus = _limit(fields.get("MaxCPUsPerNode", ""))
    offered = [Nodes(min(node.memory_mb, memory_mb), min(node.cpus, cpus), node.gpus) for node in nodes.get(name, [])]
    return Partition(name, fields["Default"] == "YES", _minutes(fields["MaxTime"]), tuple(offered))


def _limit(text: str) -> int:
    return sys.maxsize if text in ("", "UNLIMITED") else int(text)


def _minutes(limit: str) -> float:
    """Return the minutes of a time as Slurm prints it: 1-00:00:00, 1:00:00, 30:00 (minutes and seconds), UNLIMITED."""
    parts = re.fullmatch(r"(?:(?:(\d+)-)?(\d+):)?(\d+):(\d+)", limit)
    if parts is None:
        return math.inf
    days, hours, minutes, seconds = (int(part or 0) for part in parts.groups())
    return days * 1440 + hours * 60 + minutes + seconds / 60


def _nodes(memory: str, cpus: str, gres: str) -> Nodes:
    """Return the nodes that columns of sinfo describe: "512000", "64", "gpu:a100:4(S:0-1),mps:400"."""
    gpus = sum(int(count) for count in re.findall(r"\bgpu(?::[^:,()]+)?:(\d+)", gres))
    return Nodes(int(memory.rstrip("+")), int(cpus.rstrip("+")), gpus)
