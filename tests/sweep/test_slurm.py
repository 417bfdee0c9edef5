"""Slurm's commands, with answers of Slurm 22.05; and once with a real Slurm."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.command_line import user_error
from support.slurm_answers import CONFIG, say
from support.slurm_cluster import Cluster
from support.sweep_folders import slurm_options

from ddpg.errors import UserError
from ddpg.sweep.slurm import Limits, Nodes, QueuedJob, cancel, cluster_name, is_in_grace, limits, partitions, queue
from ddpg.sweep.slurm_checks import require_submittable


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


def test_the_scheduler_can_allow_fewer_tasks_in_an_array(program: Callable[[str, str], None]) -> None:
    program("scontrol", say(f"{CONFIG}SchedulerParameters     = bf_interval=2,max_array_tasks=30,bf_max_job_test=9\n"))
    assert limits().array_size == 30


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ("JobId=7 JobState=RUNNING Reason=None PreemptTime=2026-11-30T00:10:00 SuspendTime=None", True),
        ("JobId=7 JobState=RUNNING Reason=None PreemptTime=None SuspendTime=None", False),
        ("JobId=7 JobState=COMPLETING Reason=None PreemptTime=2026-11-30T00:10:00", False),
    ],
)
def test_a_job_is_in_the_grace_of_a_preemption(
    program: Callable[[str, str], None], answer: str, expected: bool
) -> None:
    program("scontrol", f'test "$*" = "--oneliner show job 7" && {say(answer)}')
    assert is_in_grace("7") is expected


def test_slurm_that_does_not_answer_tells_of_no_grace(program: Callable[[str, str], None]) -> None:
    program("scontrol", "exit 1")
    assert not is_in_grace("7")
    assert not is_in_grace("")


@pytest.mark.usefixtures("cluster")
def test_cluster_name(program: Callable[[str, str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """A job reads it from its environment, because hundreds may ask at the same time."""
    monkeypatch.delenv("SLURM_CLUSTER_NAME", raising=False)
    assert cluster_name() == "local"
    program("scontrol", "exit 1")
    assert cluster_name() is None
    monkeypatch.setenv("SLURM_CLUSTER_NAME", "far")
    assert cluster_name() == "far"


def test_no_slurm_here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert queue() is None
    with pytest.raises(UserError, match=r"^sinfo is not on this machine$"):
        partitions()


def test_a_machine_of_no_cluster(program: Callable[[str, str], None]) -> None:
    program("sinfo", "echo sinfo: error: DNS >&2; echo Could not establish a configuration source >&2; exit 1")
    with user_error("sinfo ... no cluster ... Could not establish ... login node ... hydra/launcher=local"):
        partitions()


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
    require_submittable(slurm_options(), 1, threads=8, mem_gb=largest)
    with pytest.raises(UserError, match=f"{largest} at most"):
        require_submittable(slurm_options(), 1, threads=1, mem_gb=largest + 1)
    job = slurm.run("sbatch", "--parsable", "--hold", "--array=0-3", "--output=/dev/null", "--wrap=sleep 1000")
    queued = queue()
    assert queued is not None
    assert {task: one for task, one in queued.items() if task.startswith(job)} == {
        f"{job}_{task}": QueuedJob("PENDING", "JobHeldUser") for task in range(4)
    }
    cancel([f"{job}_1", f"{job}_2", "999999"])
    assert sorted(task for task in queue() or {} if task.startswith(job)) == [f"{job}_0", f"{job}_3"]
    cancel([job])
