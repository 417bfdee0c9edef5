"""Jobs that are refused before anything is submitted, and sbatch's refusal as one line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.command_line import assert_has, user_error
from support.slurm_answers import PARTITIONS, say
from support.sweep_folders import slurm_options

from ddpg.sweep.slurm_checks import refusal, require_submittable


def submittable(runs: int = 1, threads: int = 1, mem_gb: int = 1, **values: Any) -> None:
    require_submittable(slurm_options(**values), runs, threads, mem_gb)


@pytest.mark.usefixtures("cluster")
def test_submittable() -> None:
    submittable(runs=100, mem_gb=19, threads=2)
    submittable(partition="gpu", timeout_min=2880, gpus_per_node=4, mem_gb=97, threads=64)
    submittable(partition="low,gpu", threads=3)  # one that can is enough


@pytest.mark.parametrize(
    ("asked", "parts"),
    [
        ({"partition": "shrt"}, "hydra.launcher.partition=shrt ... low, short, gpu, mixed, empty ... short?"),
        ({"partition": "low,gup"}, "hydra.launcher.partition=low,gup ... gup ... gpu?"),
        ({"partition": "empty"}, "hydra.launcher.partition=empty"),
        ({"timeout_min": 2}, "hydra.launcher.timeout_min=2 ... hydra.launcher.signal_delay_s=120"),
        ({"partition": "short", "timeout_min": 61}, "hydra.launcher.timeout_min=61 ... 60 minutes ... partition short"),
        (
            {"mem_gb": 20},
            "hydra.launcher.mem_gb=20 ... hydra.launcher.runs_per_job=1 ... partition low ... 19 at most",
        ),
        ({"partition": "gpu", "mem_gb": 98}, "hydra.launcher.mem_gb=98 ... partition gpu ... 97 at most"),
        ({"cpus_per_task": 3}, "hydra.launcher.cpus_per_task=3 is ... partition low ... 2 at most"),
        ({"gpus_per_node": 1}, "hydra.launcher.gpus_per_node=1 is ... partition low ... 0 at most"),
        (
            {"partition": "mixed", "timeout_min": 30, "mem_gb": 200, "threads": 8},
            "partition mixed ... mem_gb=200, cpus_per_task=8, gpus_per_node=0",
        ),
        ({"runs": 500, "runs_per_job": 2}, "250 jobs ... MaxJobCount=100 ... hydra.launcher.runs_per_job=6"),
    ],
)
@pytest.mark.usefixtures("cluster")
def test_refused_before_submission(asked: dict[str, Any], parts: str) -> None:
    with user_error(parts):
        submittable(**asked)


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
    with user_error("6 jobs ... MaxSubmitJobs=5 ... hydra.launcher.runs_per_job=2"):
        submittable(runs=6, account="physics")
    with user_error("4 jobs ... MaxSubmitJobs=3 ... hydra.launcher.runs_per_job=2"):
        submittable(runs=4, account="physics", qos="short")


def test_no_slurm_here(program: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with user_error("hydra/launcher=slurm ... sbatch ... hydra/launcher=local ... scripts/local_slurm.sh"):
        submittable()


@pytest.mark.usefixtures("cluster")
def test_controller_does_not_answer(program: Callable[[str, str], None]) -> None:
    program("sinfo", "echo 'slurm_load_partitions: Unable to contact slurm controller (connect failure)' >&2; exit 1")
    with user_error("sinfo: Unable to contact slurm controller (connect failure)"):
        submittable()


@pytest.mark.usefixtures("cluster")
def test_no_default_partition(program: Callable[[str, str], None]) -> None:
    program("scontrol", say(PARTITIONS.replace("Default=YES", "Default=NO")))
    with user_error("hydra.launcher.partition=null ... low, short"):
        submittable()


def test_refusal_of_sbatch() -> None:
    """Each line once, without the name of the program, and with the options that may be its reason."""
    stderr = (
        "sbatch: error: AssocMaxSubmitJobLimit\n"
        "sbatch: error: Batch job submission failed: Job violates accounting/QOS policy (job submit limit)\n"
    )
    line = str(refusal(stderr, slurm_options(account="physics", qos="long")))
    assert_has(
        line,
        "AssocMaxSubmitJobLimit; Job violates accounting/QOS policy (job submit limit)"
        " ... hydra.launcher.account=physics hydra.launcher.qos=long",
    )
    assert line.count("sbatch") == 1
