"""A study on a real Slurm: workers that are hit at every turn end with the trials of a study that was left alone."""

import random
import time
from pathlib import Path

import pytest
from support.slurm_cluster import Cluster, wait_for
from support.slurm_sweep import RUN, Sweep, kill, workers

from ddpg.search.study import StudyFolder
from ddpg.search.trials import Trial

pytestmark = pytest.mark.slurm

SPACE = ("tau=tag(log,interval(1e-3,1))", "hydra.sweeper.max_kills=99")
#: Two kinds of studies, of six trials each.
STUDIES = {
    "search": (
        "hydra/sweeper=search", "hydra/sweeper/method=random", "hydra.sweeper.n_trials=6", "hydra.sweeper.seeds=1",
        "hydra/sweeper/pruner=none",
    ),
    "population": (
        "hydra/sweeper=pbt", "hydra.sweeper.population=3", "hydra.sweeper.generations=2",
        "hydra.sweeper.truncation=0.34",
    ),
}  # fmt: skip


def results(folder: Path) -> list[tuple[object, ...]]:
    """Return number, parameters, origin, place in a population and score of each trial."""
    trials: dict[int, Trial] = StudyFolder(folder).trials()
    return [
        (number, dict(trial.params), trial.origin, trial.part, trial.result and trial.result.value)
        for number, trial in trials.items()
    ]


@pytest.mark.parametrize("kind", STUDIES)
def test_workers_that_are_killed_and_requeued(slurm: Cluster, tmp_path: Path, kind: str) -> None:
    words = (*SPACE, *STUDIES[kind])
    hit = Sweep(slurm, tmp_path / "study", *words, "hydra.sweeper.workers=2")
    rng = random.Random(0)
    study = StudyFolder(tmp_path / "study")
    wait_for(lambda: study.exists and len(study.trials()) >= 2, lambda: hit.train.printed)
    for _ in range(4):
        time.sleep(rng.uniform(1, 3))
        owners = {trial.owner for trial in study.trials().values() if trial.owner}
        tasks = sorted(task for task in owners if slurm.state(task) == "RUNNING")
        runs = workers(study.path)
        if rng.random() < 0.5 and runs:
            kill(rng.choice(runs))
        elif tasks:
            slurm.run("scontrol", "requeue", rng.choice(tasks))
    assert "6 complete" in hit.finish(0, 600)
    here = [*RUN[:-1], *words, "hydra/launcher=local", f"hydra.sweep.dir={tmp_path}/calm", "-m"]
    calm = slurm.command("ddpg-train", *here, output=tmp_path / "calm.txt")
    assert calm.wait(600) == 0, calm.printed
    assert results(tmp_path / "study") == results(tmp_path / "calm")
