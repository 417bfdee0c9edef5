"""kill -9 of random processes of a study, again and again: it ends with the trials of a study that was left alone."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import optuna
import pytest
from support.runs import TINY
from support.slurm_sweep import content

from ddpg.search.study import StudyFolder
from ddpg.search.trials import Trial

TRIALS = 30
KILLS = 100
COMMON = (
    "env=gym", "env.id=Slow-v0", "env.imports=[support.toys]", *TINY, "total_steps=300", "eval.episodes=1",
    "tau=tag(log,interval(1e-3,1))", "noise.sigma=choice(0.1,0.2)", "-m",
    "hydra/launcher=local", "hydra.launcher.processes=2", "hydra.sweeper.max_kills=1000",
)  # fmt: skip
#: The trials of this search are random, so their values do not depend on the order in which they end; those of a
#: population never do.
STUDIES = {
    "search": (
        "hydra/sweeper/method=random", "hydra/sweeper/pruner=none", "hydra.sweeper.seeds=1",
        "hydra.sweeper.n_trials=30",
    ),
    "pbt": ("hydra.sweeper.population=5", "hydra.sweeper.generations=6"),
}  # fmt: skip
PROGRAM = "from ddpg.commands.train import main; main()"


def start(folder: Path, sweeper: str, pause_s: float) -> "subprocess.Popen[bytes]":
    """Give the command of the study, which begins it or goes on with it."""
    tests = Path(__file__).parents[1]
    variables = {"TOYS_PAUSE_S": str(pause_s), "PYTHONPATH": str(tests), "OMP_NUM_THREADS": "1"}
    own = (f"hydra/sweeper={sweeper}", *STUDIES[sweeper])
    words = [sys.executable, "-c", PROGRAM, *COMMON, *own, f"hydra.sweep.dir={folder}"]
    with folder.with_suffix(".txt").open("ab") as output:
        return subprocess.Popen(words, env={**os.environ, **variables}, stdout=output, stderr=subprocess.STDOUT)


def processes(folder: Path) -> list[int]:
    """Return the processes of a study: its command, its workers and its runs."""
    name = str(folder).encode()
    return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if name in content(path)]


def kill_at_random(folder: Path, sweeper: str, kills: int, rng: random.Random) -> int:
    """Run a study while its processes are killed; return how many kills hit."""
    command = start(folder, sweeper, pause_s=0.005)
    hit = 0
    while command.poll() != 0:
        if command.returncode is not None:
            assert command.returncode < 0, folder.with_suffix(".txt").read_text()
            command = start(folder, sweeper, pause_s=0.005)
        time.sleep(rng.uniform(0.1, 3))
        alive = processes(folder)
        if hit < kills and alive:
            try:
                os.kill(rng.choice(alive), signal.SIGKILL)
            except ProcessLookupError:
                continue
            hit += 1
    return hit


def results(folder: Path) -> list[tuple[object, ...]]:
    trials: Sequence[Trial] = list(StudyFolder(folder).trials().values())
    return [(one.number, dict(one.params), one.result and (one.result.state, one.result.value)) for one in trials]


def require_equal(hit: Path, calm: Path, trials: int) -> None:
    """Assert that no trial was lost, changed or counted twice, and that stock Optuna reads them all."""
    assert results(hit) == results(calm)
    orders = [one.result.order for one in StudyFolder(hit).trials().values() if one.result]
    assert sorted(orders) == list(range(trials))
    assert len(StudyFolder(hit).sweep.runs) == trials
    backend = optuna.storages.journal.JournalFileBackend(str(hit / "journal.log"))
    told = optuna.load_study(study_name=hit.name, storage=optuna.storages.JournalStorage(backend)).trials
    assert [(one.number, one.value) for one in told] == [(row[0], row[2][1]) for row in results(calm)]  # type: ignore[index]


@pytest.mark.slow
@pytest.mark.parametrize("sweeper", STUDIES)
def test_a_study_under_fire(sweeper: str, tmp_path: Path) -> None:
    hit = kill_at_random(tmp_path / "hit", sweeper, KILLS, random.Random(0))
    assert start(tmp_path / "calm", sweeper, pause_s=0).wait() == 0
    require_equal(tmp_path / "hit", tmp_path / "calm", TRIALS)
    assert hit > KILLS // 2
