"""Events of a cluster: each run ends with the weights and the record of a run that was left alone."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.slurm_cluster import Cluster, wait_for
from support.slurm_sweep import HIT, Sweep, fingerprint

pytestmark = pytest.mark.slurm

Reference = Callable[..., dict[str, str]]


def assert_undisturbed(sweep: Sweep, reference: Reference, *seeds: int) -> None:
    """Assert that the runs of the sweep, which have these seeds, are done and exact."""
    for number, seed in enumerate(seeds):
        assert sweep.status(number)["state"] == "done"
        assert fingerprint(sweep.runs[number]) == reference(f"seed={seed}")


def restarts(sweep: Sweep, number: int) -> int:
    return int(sweep.cluster.job(sweep.tasks[number])["Restarts"])


def test_requeue_in_training(slurm: Cluster, tmp_path: Path, reference: Reference) -> None:
    """`scontrol requeue` sends SIGTERM and starts the job again, with the same folder and the same job id."""
    sweep = Sweep(slurm, tmp_path / "sweep", "seed=1")
    sweep.wait_for_step(0, HIT)
    slurm.run("scontrol", "requeue", sweep.tasks[0])
    sweep.finish(0)
    assert_undisturbed(sweep, reference, 1)
    assert (restarts(sweep, 0), len(sweep.starts(0))) == (1, 2)


def test_requeue_of_a_run_that_finishes_in_its_kill_wait(slurm: Cluster, tmp_path: Path, reference: Reference) -> None:
    """Slurm starts the job again although all is done; the second attempt returns the result."""
    sweep = Sweep(slurm, tmp_path / "sweep", "seed=1", TOYS_LINGER_S="0.4")
    last = wait_for(lambda: list(tmp_path.glob("sweep/*/checkpoint/state-*800.pt")), "the run is at its end")
    slurm.run("scontrol", "requeue", sweep.tasks[0])
    sweep.finish(0)
    assert last[0].exists()
    assert_undisturbed(sweep, reference, 1)
    assert restarts(sweep, 0) == 1
    assert slurm.state(sweep.tasks[0]) == "COMPLETED"


@pytest.mark.parametrize("partition", ["low", "lowgrace"])
def test_preemption(slurm: Cluster, tmp_path: Path, reference: Reference, partition: str) -> None:
    """A job of a higher partition takes the node; SIGUSR2 comes with SIGTERM at once, or 15 s before it."""
    sweep = Sweep(slurm, tmp_path / "sweep", "seed=1,2", f"hydra.launcher.partition={partition}")
    for number in range(2):
        sweep.wait_for_step(number, HIT)
    slurm.run("sbatch", "--wait", "--partition=high", "--exclusive", f"--output={tmp_path}/high", "--wrap=true")
    sweep.finish(0)
    assert_undisturbed(sweep, reference, 1, 2)
    assert [restarts(sweep, number) for number in range(2)] == [1, 1]
    assert [slurm.state(sweep.tasks[number]) for number in range(2)] == ["COMPLETED"] * 2


def test_preemption_that_sigterm_alone_announces(slurm: Cluster, tmp_path: Path, reference: Reference) -> None:
    """Without preempt_send_user_signal, Slurm's default, the job has 15 s of grace, and ends within them."""
    conf = Path(slurm.env["SLURM_CONF"])
    before = conf.read_text()
    conf.write_text(before.replace("SlurmctldParameters=preempt_send_user_signal\n", ""))
    slurm.run("scontrol", "reconfigure")
    try:
        test_preemption(slurm, tmp_path, reference, "lowgrace")
    finally:
        conf.write_text(before)
        slurm.run("scontrol", "reconfigure")


#: The shortest limit that Slurm has. It warns up to 30 s early, so after 20 to 50 s; the run needs longer than that.
LIMIT = ("seed=1", "total_steps=1600", "hydra.launcher.timeout_min=1", "hydra.launcher.signal_delay_s=10")
SLOW = {"TOYS_PAUSE_S": "0.03"}


def test_time_limit_with_retries(slurm: Cluster, tmp_path: Path, reference: Reference) -> None:
    """On SIGUSR2 before the limit the run saves, goes back to the queue, and goes on from there."""
    sweep = Sweep(slurm, tmp_path / "sweep", *LIMIT, "hydra.launcher.max_num_timeout=9", **SLOW)
    sweep.finish(0, seconds=400)
    assert fingerprint(sweep.runs[0]) == reference("seed=1", "total_steps=1600")
    assert restarts(sweep, 0) >= 1


def test_time_limit_without_retries(slurm: Cluster, tmp_path: Path, reference: Reference) -> None:
    """On SIGUSR2 before the limit the run saves, and the job is FAILED; `ddpg-sweep retry` goes on."""
    sweep = Sweep(slurm, tmp_path / "sweep", *LIMIT, "hydra.launcher.max_num_timeout=0", **SLOW)
    sweep.finish(1)
    assert slurm.state(sweep.tasks[0]) == "FAILED"
    assert sweep.status(0)["state"] == "interrupted"
    assert sweep.status(0)["env_step"] >= sweep.step(0) - 240  # two snapshots are 200 to 240 steps apart
    assert sweep.manage("retry", TOYS_PAUSE_S="0").process.returncode == 0
    assert fingerprint(sweep.runs[0]) == reference("seed=1", "total_steps=1600")


def test_node_failure(slurm: Cluster, tmp_path: Path, reference: Reference) -> None:
    """Slurm requeues the jobs of a node that is down, and they go on when it is back."""
    sweep = Sweep(slurm, tmp_path / "sweep", "seed=1,2")
    for number in range(2):
        sweep.wait_for_step(number, HIT)
    slurm.node("down")
    for number in range(2):
        sweep.wait_for_state(number, "PENDING")
    slurm.node("resume")
    sweep.finish(0)
    assert_undisturbed(sweep, reference, 1, 2)
    assert [restarts(sweep, number) for number in range(2)] == [1, 1]


def test_drain(slurm: Cluster, tmp_path: Path, reference: Reference) -> None:
    """The job of a node that drains ends undisturbed; jobs in the queue wait until the node takes jobs again."""
    sweep = Sweep(slurm, tmp_path / "sweep", "seed=1,2", "hydra.launcher.array_parallelism=1")
    sweep.wait_for_step(0, HIT)
    slurm.node("drain")
    wait_for(lambda: slurm.node_state() == "drained", "the running job ends")
    assert sweep.status(0)["state"] == "done"
    assert slurm.queue() == {sweep.tasks[1]: "PENDING"}
    assert sweep.train.process.poll() is None
    slurm.node("resume")
    sweep.finish(0)
    assert_undisturbed(sweep, reference, 1, 2)
    assert [restarts(sweep, number) for number in range(2)] == [0, 0]
