"""What is refused before anything is submitted, and sbatch's refusal as one line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.slurm_answers import PARTITIONS, say
from support.sweep_folders import slurm_options

from ddpg.errors import UserError
from ddpg.sweep.slurm_checks import refusal, require_submittable


def submittable(runs: int = 1, threads: int = 1, mem_gb: int = 1, **values: Any) -> None:
    require_submittable(slurm_options(**values), runs, threads, mem_gb)


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
    line = str(refusal(said, slurm_options(account="physics", qos="long")))
    assert line == (
        "sbatch refuses the jobs: AssocMaxSubmitJobLimit; Job violates accounting/QOS policy (job submit limit) "
        "(hydra.launcher.account=physics hydra.launcher.qos=long)"
    )
