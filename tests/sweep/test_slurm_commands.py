"""Sweeps on Slurm as a user steers them: left alone, watched, stopped, continued, while code and YAML files change."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from support import toys
from support.slurm_cluster import ROOT, Cluster, wait_for
from support.slurm_sweep import HIT, RUN, Sweep, fingerprint, kill, table

from ddpg.sweep.state.folder import SweepFolder

pytestmark = pytest.mark.slurm

Reference = Callable[..., dict[str, str]]


def wait_for_empty_queue(cluster: Cluster) -> None:
    wait_for(lambda: not cluster.queue(), "all jobs end")


def test_detached_then_status(slurm: Cluster, tmp_path: Path, reference: Reference) -> None:
    """With wait=false the command ends while the jobs are in the queue; `status` shows them until they are done."""
    one_at_a_time = "hydra.launcher.array_parallelism=1"
    sweep = Sweep(slurm, tmp_path / "sweep", "seed=1,2", "hydra.launcher.wait=false", one_at_a_time)
    printed = sweep.finish(0)
    assert f"ddpg-sweep status {sweep.path}" in printed
    assert set(sweep.tasks.values()) <= set(slurm.queue())
    sweep.wait_for_step(0, HIT)
    assert table(sweep.manage("status").printed) == {0: "running", 1: "pending"}
    wait_for_empty_queue(slurm)
    assert table(sweep.manage("status").printed) == {0: "done", 1: "done"}
    for number, seed in enumerate((1, 2)):
        assert fingerprint(sweep.runs[number]) == reference(f"seed={seed}")


def test_cancel_then_retry(slurm: Cluster, tmp_path: Path, reference: Reference) -> None:
    """`ddpg-sweep cancel` lets running jobs save and waiting jobs not start; `retry` goes on with both."""
    sweep = Sweep(slurm, tmp_path / "sweep", "seed=1,2", "hydra.launcher.array_parallelism=1")
    sweep.wait_for_step(0, HIT)
    cancelled = sweep.manage("cancel")
    assert cancelled.process.returncode == 0, cancelled.printed
    sweep.finish(1)
    wait_for_empty_queue(slurm)
    assert sweep.status(0)["state"] == "interrupted"
    assert sweep.status(0)["env_step"] >= 200
    assert not (sweep.runs[1] / "metrics.jsonl").exists()
    sweep.manage("retry")
    wait_for_empty_queue(slurm)
    for number, seed in enumerate((1, 2)):
        assert fingerprint(sweep.runs[number]) == reference(f"seed={seed}")


def test_command_is_killed_and_a_waiting_job_cancelled(slurm: Cluster, tmp_path: Path, reference: Reference) -> None:
    """The jobs go on without the command; a job that was cancelled before its start has vanished, and is retried."""
    sweep = Sweep(slurm, tmp_path / "sweep", "seed=1,2", "hydra.launcher.array_parallelism=1")
    sweep.wait_for_step(0, 0)
    kill(sweep.train.process.pid)
    slurm.run("scancel", sweep.tasks[1])
    wait_for_empty_queue(slurm)
    assert table(sweep.manage("status").printed) == {0: "done", 1: "vanished"}
    assert sweep.manage("retry").process.returncode == 0
    for number, seed in enumerate((1, 2)):
        assert fingerprint(sweep.runs[number]) == reference(f"seed={seed}")


def test_forks(slurm: Cluster, tmp_path: Path) -> None:
    """A sweep of forks, one killed and one requeued, ends as the same sweep on this machine."""
    train = "ddpg-train", *RUN[:-1], f"hydra.run.dir={tmp_path}/source"
    source = slurm.command(*train, output=tmp_path / "source.txt")
    assert source.wait() == 0, source.printed
    forks = (f"fork={tmp_path}/source", "total_steps=1600", "tau=0.01,0.02")
    sweep = Sweep(slurm, tmp_path / "sweep", run=forks)
    for number in range(2):
        sweep.wait_for_step(number, 800 + HIT)
    kill(sweep.worker(0))
    slurm.run("scontrol", "requeue", sweep.tasks[1])
    sweep.finish(1)
    sweep.manage("retry")
    wait_for_empty_queue(slurm)
    assert table(sweep.manage("status").printed) == {0: "done", 1: "done"}
    words = [*forks, f"hydra.sweep.dir={tmp_path}/calm", "-m", "hydra/launcher=local"]
    calm = slurm.command("ddpg-train", *words, output=tmp_path / "calm.txt")
    assert calm.wait() == 0, calm.printed
    pairs = zip(sweep.runs, SweepFolder(tmp_path / "calm").runs, strict=True)
    assert all(fingerprint(hit) == fingerprint(left_alone.path) for hit, left_alone in pairs)


def test_controller_is_away(new_cluster: Callable[..., Cluster], tmp_path: Path) -> None:
    """Then nothing is known: a command that waits goes on waiting, and one that would act ends with a line."""
    cluster = new_cluster(cpus=8, memory_mb=64000, kill_wait=2)
    sweep = Sweep(cluster, tmp_path / "sweep", "seed=1", TOYS_PAUSE_S="0.06")
    sweep.wait_for_step(0, HIT)  # some seconds, after which the controller has its jobs on disk
    kill(int((cluster.folder / "slurmctld.pid").read_text()))
    retry = sweep.manage("retry")
    assert retry.process.returncode == 1
    assert re.fullmatch(r"ddpg-sweep: .*(Slurm cannot be asked|Unable to contact slurm).*\n", retry.printed)
    assert sweep.train.process.poll() is None
    cluster.start()
    sweep.finish(0)
    assert len(sweep.starts(0)) == 1


def test_two_sweeps_at_once(slurm: Cluster, tmp_path: Path, reference: Reference) -> None:
    """The end of one is not the end of the other."""
    one = Sweep(slurm, tmp_path / "one", "seed=1", "+env.kwargs.crash=350,0")
    two = Sweep(slurm, tmp_path / "two", "seed=1,2")
    one.finish(1)
    two.finish(0)
    assert not {t.partition("_")[0] for t in one.tasks.values()} & {t.partition("_")[0] for t in two.tasks.values()}
    assert fingerprint(one.runs[1]) == fingerprint(two.runs[0]) == reference("seed=1")
    assert fingerprint(two.runs[1]) == reference("seed=2")


def test_more_jobs_than_an_array_holds(new_cluster: Callable[..., Cluster], tmp_path: Path) -> None:
    """With MaxArraySize=3, five jobs are two arrays."""
    cluster = new_cluster(cpus=8, memory_mb=64000, kill_wait=2, max_array=3)
    sweep = Sweep(cluster, tmp_path / "sweep", "seed=1,2,3,4,5", "total_steps=50", "eval.every=50")
    sweep.finish(0)
    assert [len(submission.tasks) for submission in SweepFolder(sweep.path).submissions()] == [3, 2]
    assert [sweep.status(number)["state"] for number in range(5)] == ["done"] * 5


def test_edits_while_a_job_is_requeued(slurm: Cluster, tmp_path: Path, reference: Reference) -> None:
    """The YAML files count as they were at the submission; the code counts as it is when the job starts again."""
    code, noise = tmp_path / "own_toys.py", tmp_path / "own_conf" / "noise" / "own.yaml"
    shutil.copy(toys.__file__, code)
    noise.parent.mkdir(parents=True)
    shutil.copy(ROOT / "conf" / "noise" / "gaussian.yaml", noise)
    own = ["noise=own", "env.imports=[own_toys]"]
    options = ["--config-dir", str(tmp_path / "own_conf")]
    sweep = Sweep(slurm, tmp_path / "sweep", *own, "seed=1", options=options)
    sweep.wait_for_step(0, HIT)
    config = (sweep.runs[0] / "config.yaml").read_bytes()
    slurm.run("scontrol", "requeue", sweep.tasks[0])
    noise.write_text(noise.read_text().replace("sigma: 0.1", "sigma: 0.9"))
    code.write_text(code.read_text() + "\nprint('this is the edited code', flush=True)\n")
    sweep.finish(0)
    assert "sigma: 0.9" in noise.read_text()
    assert (sweep.runs[0] / "config.yaml").read_bytes() == config
    assert (sweep.runs[0] / "train.log").read_text().count("this is the edited code") == 1
    assert fingerprint(sweep.runs[0]) == reference("seed=1")


class TestRefusals:
    """One line comes before anything is submitted."""

    @pytest.mark.parametrize(
        ("option", "named"),
        [
            ("hydra.launcher.partition=hihg", "high"),
            ("hydra.launcher.mem_gb=1000", "mem_gb"),
            ("hydra.launcher.cpus_per_task=99", "cpus_per_task"),
            ("hydra.launcher.timeout_min=99999", "timeout_min"),
            ("hydra.launcher.additional_parameters.licenses=moon", "moon"),
        ],
    )
    def test_what_slurm_would_never_run(self, option: str, named: str, slurm: Cluster, tmp_path: Path) -> None:
        sweep = Sweep(slurm, tmp_path / "sweep", "seed=1,2", option)
        printed = sweep.finish(1).splitlines()
        assert named in printed[-1]
        assert not slurm.queue()
