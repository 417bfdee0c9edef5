"""A sweep on Slurm under all events at once, at random: nothing is lost, and its report is that of a calm sweep."""

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from support.slurm_cluster import Cluster
from support.slurm_sweep import RUN, Sweep, fingerprint, parent, workers

pytestmark = pytest.mark.slurm

RUNS = 12
#: Twelve runs, two in a job.
GRID = ("seed=1,2,3,4,5,6", "noise.sigma=0.1,0.2")
#: What happens to them, in any order.
EVENTS = 2 * ("requeue", "warning", "cancel", "run killed", "job killed", "node failed")


def quietly(cluster: Cluster, *words: str) -> None:
    """Run a command of Slurm's that may fail, because a job has just ended."""
    subprocess.run(words, env=cluster.env, capture_output=True, check=False)


def end(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def fail_node(cluster: Cluster) -> None:
    cluster.node("down")
    cluster.node("resume")


def happens(event: str, sweep: Sweep, rng: random.Random) -> bool:
    """Let an event happen to a run that is being trained, to its job or to all; return False if there is none."""
    cluster, queue = sweep.cluster, sweep.cluster.queue()
    running = sorted({task for task in sweep.tasks.values() if queue.get(task) == "RUNNING"})
    trained = workers(sweep.path)
    if not running or not trained:
        return False
    job, run = rng.choice(running), rng.choice(trained)
    acts: dict[str, Callable[[], None]] = {
        "requeue": lambda: quietly(cluster, "scontrol", "requeue", job),
        "warning": lambda: quietly(cluster, "scancel", "--signal=USR2", job),
        "cancel": lambda: quietly(cluster, "scancel", job),
        "run killed": lambda: end(run),
        "job killed": lambda: end(parent(run)),
        "node failed": lambda: fail_node(cluster),
    }
    acts[event]()
    return True


def storm(sweep: Sweep, rng: random.Random) -> None:
    """Let EVENTS happen until all of them have, or until every run is done; retry whatever ends badly."""
    coming = rng.sample(EVENTS, len(EVENTS))
    command, retries = sweep.train, 0
    while command.process.poll() != 0:
        if command.process.poll() is not None:
            retries += 1
            assert retries <= len(EVENTS), command.printed
            command = sweep.command("ddpg-sweep", "retry", str(sweep.path))
        elif coming:
            time.sleep(rng.uniform(0.2, 3.0))
            if happens(coming[-1], sweep, rng):
                print(coming.pop())
        else:
            command.wait()
    assert len(coming) < len(EVENTS) / 2, "hardly anything happened"


def report(folder: Path, sweep: Sweep) -> str:
    """Return the output of `ddpg-report`, without the names of folders."""
    command = sweep.command("ddpg-report", str(folder))
    assert command.wait() == 0, command.printed
    return command.printed.replace(str(folder), "SWEEP")


def test_storm(slurm: Cluster, tmp_path: Path) -> None:
    """Requeues, warnings, cancellations, kill -9 and node failures come while it runs and while it is retried."""
    sweep = Sweep(slurm, tmp_path / "storm", *GRID, "hydra.launcher.runs_per_job=2")
    storm(sweep, random.Random(4))
    alone = [word for word in RUN if not word.startswith("hydra.")]
    calm = sweep.command(
        "ddpg-train", *alone, *GRID, "hydra/launcher=local", f"hydra.sweep.dir={tmp_path}/calm", "-m", TOYS_PAUSE_S="0"
    )
    assert calm.wait() == 0, calm.printed
    assert len(sweep.runs) == RUNS
    for folder in sweep.runs:
        assert fingerprint(folder) == fingerprint(tmp_path / "calm" / folder.name)
    assert report(sweep.path, sweep) == report(tmp_path / "calm", sweep)
