"""Runs of a sweep on Slurm that end badly: the others do not suffer, all ends are reported, and a retry mends them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.slurm_cluster import Cluster
from support.slurm_sweep import HIT, Sweep, fingerprint, kill, parent, table

from ddpg.sweep.state.folder import SweepFolder

pytestmark = pytest.mark.slurm

Reference = Callable[..., dict[str, str]]

CRASHES, CANCELLED, KILLED, ORPHANED, LOST, FINE = range(6)


def test_array_of_which_most_end_badly(slurm: Cluster, tmp_path: Path, reference: Reference) -> None:
    """One raises, one is cancelled; kill -9 of one's process, of one's job, of both; the last is left alone."""
    sweep = Sweep(slurm, tmp_path / "sweep", "seed=1", "env.kwargs.crash=350,-1,-2,-3,-4,-5")
    hits = {
        CANCELLED: lambda: slurm.run("scancel", sweep.tasks[CANCELLED]),
        KILLED: lambda: kill(sweep.worker(KILLED)),
        ORPHANED: lambda: kill(parent(sweep.worker(ORPHANED))),
        LOST: lambda: kill(parent(run := sweep.worker(LOST)), run),
    }
    while hits:  # each in its middle, whichever gets there first
        hits.pop(sweep.wait_for(lambda: next((n for n in hits if sweep.step(n) >= HIT), None), "runs get on"))()
    sweep.finish(1)
    assert_ends_are_reported(sweep)
    assert_retry_runs_what_is_not_done(sweep)
    for folder in sweep.runs:
        assert fingerprint(folder) == reference("seed=1")


def assert_ends_are_reported(sweep: Sweep) -> None:
    """Assert that Slurm, the run folders, `ddpg-train` at its end and `ddpg-sweep status` show every end."""
    states = [sweep.cluster.state(task) for task in sweep.tasks.values()]
    assert states == ["FAILED", "CANCELLED", "FAILED", "FAILED", "FAILED", "COMPLETED"]
    states = ["failed", "interrupted", "failed", "interrupted", "vanished", "done"]
    statuses = [sweep.status(number) for number in range(6)]
    assert [status["state"] for status in statuses] == [s if s != "vanished" else "running" for s in states]
    assert "diverged" in statuses[CRASHES]["error"]
    assert "SIGKILL" in statuses[KILLED]["error"]
    assert min(statuses[number]["env_step"] for number in (CANCELLED, ORPHANED)) >= 200
    log = (sweep.runs[CRASHES] / "train.log").read_text()
    assert "Traceback (most recent call last)" in log
    assert 'toys.py", line' in log
    printed = sweep.train.printed
    assert f"ddpg-sweep retry {sweep.path}" in printed
    assert "Traceback" not in printed
    assert table(printed) == {number: state for number, state in enumerate(states) if state != "done"}
    assert table(sweep.manage("status").printed) == dict(enumerate(states))


def assert_retry_runs_what_is_not_done(sweep: Sweep) -> None:
    """Assert that a retry trains each of them once more, in the same folders and one array, but not the last."""
    before = sweep.tasks
    assert sweep.manage("retry", TOYS_MENDED="1").process.returncode == 0
    after = sweep.tasks
    assert [number for number in after if after[number] != before[number]] == [
        CRASHES,
        CANCELLED,
        KILLED,
        ORPHANED,
        LOST,
    ]
    sweep.wait_for(lambda: not set(after.values()) & set(sweep.cluster.queue()), "the retried jobs end")
    assert [len(sweep.starts(number)) for number in range(6)] == [2, 2, 2, 2, 2, 1]
    assert [sweep.cluster.state(task) for task in after.values()] == ["COMPLETED"] * 6
    arrays = {task.partition("_")[0] for task in after.values()}
    assert [len(submission.tasks) for submission in SweepFolder(sweep.path).submissions()] == [6, 5]
    assert len(arrays) == 2


def test_packed_runs_do_not_share_their_ends(slurm: Cluster, tmp_path: Path, reference: Reference) -> None:
    """With runs_per_job=2, a run that raises shares its job with a run that ends well."""
    sweep = Sweep(slurm, tmp_path / "sweep", "seed=1,2", "+env.kwargs.crash=350,0", "hydra.launcher.runs_per_job=2")
    tasks = sweep.tasks
    assert len(set(tasks.values())) == 2
    sweep.finish(1)
    states = [sweep.status(number)["state"] for number in range(4)]
    assert sorted(states) == ["done", "done", "failed", "failed"]
    assert fingerprint(sweep.runs[1]) == reference("seed=1")
    assert fingerprint(sweep.runs[3]) == reference("seed=2")


def test_all_done_is_exit_code_0_and_nothing_to_retry(slurm: Cluster, tmp_path: Path) -> None:
    sweep = Sweep(slurm, tmp_path / "sweep", "seed=1,2", "total_steps=50", "eval.every=50")
    sweep.finish(0)
    tasks = sweep.tasks
    assert sweep.manage("retry").process.returncode == 0
    assert sweep.tasks == tasks
