"""What Slurm answers, as recorded from Slurm 22.05, and what is refused before anything is submitted."""

import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.slurm_cluster import Cluster

from ddpg.errors import UserError
from ddpg.sweep.options import SlurmOptions, options
from ddpg.sweep.slurm import (
    Limits,
    Nodes,
    QueuedJob,
    cancel,
    limits,
    partitions,
    queue,
    refused,
    require_submittable,
)

ROOT = Path(__file__).parents[2]

SINFO = """\
low|1|20000|2|(null)
short|2|512000|64|gpu:a100:4(S:0-1),mps:400
short|1|20000|2|(null)
gpu|3|512000|64|gpu:a100:2,gpu:v100:2
mixed|1|512000|4|gpu:1
mixed|1|8000|64|(null)
empty|0|0|0|(null)
"""
PARTITION = "PartitionName={} Default={} MaxTime={} MaxCPUsPerNode=UNLIMITED State=UP DefMemPerNode=UNLIMITED {}\n"
PARTITIONS = "".join(
    PARTITION.format(*row)
    for row in (
        ("low", "YES", "UNLIMITED", "MaxMemPerNode=UNLIMITED"),
        ("short", "NO", "01:00:00", "MaxMemPerCPU=8000"),
        ("gpu", "NO", "2-00:00:00", "MaxMemPerNode=100000"),
        ("mixed", "NO", "30:00", "MaxMemPerNode=UNLIMITED"),
        ("empty", "NO", "UNLIMITED", "MaxMemPerNode=UNLIMITED"),
    )
)
CONFIG = "ClusterName             = local\nMaxArraySize            = 1001\nMaxJobCount             = 100\n"


def say(text: str, rest: str = "") -> str:
    return f"printf %s {shlex.quote(text)}\n{rest}"


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """program("squeue", "exit 1"): a shell script of that name, in front of all others."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def _program(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return _program


@pytest.fixture
def cluster(program: Callable[[str, str], None]) -> None:
    """The answers above."""
    program("sbatch", "exit 1")
    program("sinfo", say(SINFO))
    both = f'case "$*" in *partition*) {say(PARTITIONS)};; *) {say(CONFIG)};; esac'
    program("scontrol", both)
    program("sacctmgr", "echo You are not running a supported accounting_storage plugin; exit 1")


def slurm_options(**values: Any) -> SlurmOptions:
    """Those of the YAML, with changes."""
    named = yaml.safe_load((ROOT / "conf/hydra/launcher/slurm.yaml").read_text())
    named.pop("_target_")
    result = options({**named, "kind": "slurm", **values})
    assert isinstance(result, SlurmOptions)
    return result


def submittable(runs: int = 1, threads: int = 1, mem_gb: int = 1, **values: Any) -> None:
    require_submittable(slurm_options(**values), runs, threads, mem_gb)


def test_queue(program: Callable[[str, str], None]) -> None:
    lines = "18_0|PENDING|JobHeldUser\n19|RUNNING|None\n20|PENDING|ReqNodeNotAvail, UnavailableNodes:big[1-3]|x\n"
    program("squeue", say(lines))
    found = queue()
    assert found is not None
    assert found["18_0"] == QueuedJob("PENDING", "JobHeldUser")
    assert found["19"] == QueuedJob("RUNNING", "None")
    assert found["20"].reason == "ReqNodeNotAvail, UnavailableNodes:big[1-3]|x"


def test_queue_tells_no_jobs_from_no_answer(program: Callable[[str, str], None]) -> None:
    program("squeue", "exit 0")
    assert queue() == {}
    program("squeue", "echo slurm_load_jobs error: Unable to contact slurm controller >&2; exit 1")
    assert queue() is None
    program("squeue", "echo squeue: error: Invalid user: 4242 >&2; echo '1|RUNNING|None'")  # and ends with 0
    assert queue([0, 4242]) is None


def test_queue_of_several_users(program: Callable[[str, str], None]) -> None:
    program("squeue", 'test "$1" = --user=17,4242 && echo "1|RUNNING|None"')
    assert queue({4242, 17}) == {"1": QueuedJob("RUNNING", "None")}


def test_customs_of_the_user_do_not_reach_slurm(
    program: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SQUEUE_STATES", "FAILED")
    program("squeue", 'test -z "$SQUEUE_STATES" && echo "1|RUNNING|None"')
    assert queue() == {"1": QueuedJob("RUNNING", "None")}


def test_cancel_in_portions(program: Callable[[str, str], None], tmp_path: Path) -> None:
    program("scancel", f"echo $# $1 >> {tmp_path / 'calls'}")
    cancel([f"7_{task}" for task in range(1200)])
    assert (tmp_path / "calls").read_text().splitlines() == ["500 7_0", "500 7_500", "200 7_1000"]


def test_cancel_of_what_has_ended(program: Callable[[str, str], None]) -> None:
    program("scancel", "echo scancel: error: Kill job error on job id 9: Invalid job id specified >&2; exit 1")
    cancel(["9"])
    program("scancel", "echo scancel: error: Kill job error on job id 9: Access/permission denied >&2; exit 1")
    with pytest.raises(UserError, match=r"^scancel: Kill job error on job id 9: Access/permission denied$"):
        cancel(["9"])


@pytest.mark.usefixtures("cluster")
def test_partitions() -> None:
    found = {partition.name: partition for partition in partitions()}
    assert [name for name, partition in found.items() if partition.default] == ["low"]
    assert [found[name].max_minutes for name in ("low", "short", "gpu", "mixed")] == [float("inf"), 60, 2880, 30]
    assert found["short"].nodes == (Nodes(512000, 64, 4), Nodes(20000, 2, 0))
    assert found["gpu"].nodes == (Nodes(100000, 64, 4),)
    assert found["empty"].nodes == ()


@pytest.mark.usefixtures("cluster")
def test_limits() -> None:
    assert limits() == Limits(array_size=1001, jobs=100)


@pytest.mark.usefixtures("cluster")
def test_submittable() -> None:
    submittable(runs=100, mem_gb=19, threads=2)
    submittable(partition="gpu", timeout_min=2880, gpus_per_node=4, mem_gb=97, threads=64)
    submittable(partition="low,gpu", threads=3)  # one that can is enough


@pytest.mark.parametrize(
    ("asked", "line"),
    [
        (
            {"partition": "shrt"},
            "partition=shrt: there is no shrt among low, short, gpu, mixed, empty; did you mean sh",
        ),
        ({"partition": "low,gup"}, "hydra.launcher.partition=low,gup: there is no gup among .*; did you mean gpu?"),
        ({"partition": "empty"}, "hydra.launcher.partition=empty: it has no nodes"),
        ({"timeout_min": 2}, "hydra.launcher.timeout_min=2 leaves no time .*signal_delay_s=120 seconds"),
        ({"partition": "short", "timeout_min": 61}, "timeout_min=61 is more than the 60 minutes that partition short"),
        ({"mem_gb": 20}, r"hydra.launcher.mem_gb=20 \(from .*runs_per_job=1\) is more .* partition low offers: 19 at"),
        ({"partition": "gpu", "mem_gb": 98}, "is more than any node of partition gpu offers: 97 at most"),
        ({"cpus_per_task": 3}, "hydra.launcher.cpus_per_task=3 is more than any node of partition low"),
        ({"gpus_per_node": 1}, "hydra.launcher.gpus_per_node=1 is more than any node of partition low offers: 0 at"),
        (
            {"partition": "mixed", "timeout_min": 30, "mem_gb": 200, "threads": 8},
            "no node of partition mixed has at the same time .*: mem_gb=200, cpus_per_task=8, gpus_per_node=0",
        ),
        ({"runs": 500, "runs_per_job": 2}, "250 jobs are more .* MaxJobCount=100: hydra.launcher.runs_per_job=6 or"),
    ],
)
@pytest.mark.usefixtures("cluster")
def test_refused_before_submission(asked: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError, match=line) as refusal:
        submittable(**asked)
    assert "\n" not in str(refusal.value)


@pytest.mark.usefixtures("cluster")
def test_limit_of_the_user(program: Callable[[str, str], None]) -> None:
    limited = """case "$*" in
      *qos*name=short*) echo 3;;
      *assoc*account=physics*) echo 5;;
      *assoc*) printf '5\\n\\n';;
    esac"""
    program("sacctmgr", limited)
    submittable(runs=6)  # one of the user's accounts has no limit
    submittable(runs=5, account="physics")
    with pytest.raises(UserError, match=r"^6 jobs are more than user \w+ may have in the queue, MaxSubmitJobs=5: "):
        submittable(runs=6, account="physics")
    with pytest.raises(UserError, match=r"MaxSubmitJobs=3: hydra.launcher.runs_per_job=2 or more packs them"):
        submittable(runs=4, account="physics", qos="short")


def test_no_slurm_here(program: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(UserError, match=r"needs sbatch, which is not on this machine.*local_slurm.sh"):
        submittable()
    assert queue() is None


@pytest.mark.usefixtures("cluster")
def test_controller_does_not_answer(program: Callable[[str, str], None]) -> None:
    program("sinfo", "echo 'slurm_load_partitions: Unable to contact slurm controller (connect failure)' >&2; exit 1")
    with pytest.raises(UserError, match=r"^sinfo: Unable to contact slurm controller \(connect failure\)$"):
        submittable()


@pytest.mark.usefixtures("cluster")
def test_no_default_partition(program: Callable[[str, str], None]) -> None:
    program("scontrol", say(PARTITIONS.replace("Default=YES", "Default=NO")))
    with pytest.raises(UserError, match="partition=null: this cluster has no default; there are low, short"):
        submittable()


def test_sbatch_refuses() -> None:
    said = (
        "sbatch: error: AssocMaxSubmitJobLimit\n"
        "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit)\n"
    )
    line = str(refused(said, slurm_options(account="physics", qos="long")))
    assert line == (
        "sbatch refuses the jobs: AssocMaxSubmitJobLimit; Job violates accounting/QOS policy (job submit limit) "
        "(hydra.launcher.account=physics hydra.launcher.qos=long)"
    )


@pytest.mark.slurm
def test_against_a_real_slurm(slurm: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in slurm.env.items():
        monkeypatch.setenv(name, value)
    found = {partition.name: partition for partition in partitions()}
    assert found["main"].default
    assert found["main"].max_minutes == 7 * 24 * 60
    assert [(node.cpus, node.gpus) for node in found["main"].nodes] == [(8, 0)]
    assert limits().array_size == 1001
    largest = found["main"].nodes[0].memory_mb // 1024
    submittable(mem_gb=largest, cpus=8)
    with pytest.raises(UserError, match=f"offers: {largest} at most"):
        submittable(mem_gb=largest + 1)
    job = slurm.run("sbatch", "--parsable", "--hold", "--array=0-3", "--output=/dev/null", "--wrap=sleep 1000")
    queued = queue()
    assert queued is not None
    assert {task: one for task, one in queued.items() if task.startswith(job)} == {
        f"{job}_{task}": QueuedJob("PENDING", "JobHeldUser") for task in range(4)
    }
    cancel([f"{job}_1", f"{job}_2", "999999"])
    assert sorted(task for task in queue() or {} if task.startswith(job)) == [f"{job}_0", f"{job}_3"]
    cancel([job])
