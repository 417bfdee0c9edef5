"""A population of real runs, in this process: equal in every number, whoever trains which member and is killed."""

import signal
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.runs import TINY, WALK, flat, record
from support.studies import FormulaStudy, Planned

from ddpg.interrupt import Interrupted, InterruptFlag
from ddpg.record.config_file import read_config
from ddpg.run.lifecycle import run
from ddpg.search import trial_work
from ddpg.search.study import StudyFolder
from ddpg.search.trial_work import TrialWork
from ddpg.search.trials import Trial
from ddpg.search.turns import Turns
from ddpg.sweep.state.folder import SweepRun

WORDS = (
    *WALK, *TINY, "total_steps=180", "eval.every=90", "eval.episodes=1", "checkpoint.every=20", "compile=false",
    "hydra/sweeper=pbt", "tau=tag(log,interval(1e-3,1))", "noise.sigma=interval(0.05,0.5)",
    "optimizer.actor.lr=tag(log,interval(1e-4,1e-1))", "network.actor.hidden=choice([8,8],[8])",
    "hydra.sweeper.population=3", "hydra.sweeper.generations=2", "hydra.sweeper.truncation=0.34",
)  # fmt: skip


class Dying(InterruptFlag):
    """Ends a run in its middle, after some steps."""

    def __init__(self, steps: int) -> None:
        super().__init__(signals=())
        self._left = steps

    def check(self) -> None:
        self._left -= 1
        if self._left == 0:
            self.stop(signal.SIGTERM)
        super().check()


class InProcess:
    """Stands for the pool of a worker: trains its runs here; those of `dies` are killed once."""

    def __init__(self, dies: Collection[int]) -> None:
        self._dies = dies
        self.exit_codes: dict[int, int] = {}
        self.killed: set[int] = set()

    def __call__(self, processes: int, threads: int, directory: Path) -> "InProcess":
        return self

    def train(self, runs: Sequence[SweepRun], interrupt: InterruptFlag, enough: Callable[[], bool]) -> list[SweepRun]:
        (one,) = runs
        dies = one.number in self._dies and one.number not in self.killed
        try:
            run(read_config(one.path / "config.yaml"), one.path, interrupt=Dying(60 if dies else 10**9), shown=False)
            self.exit_codes[one.number] = 0
        except Interrupted:
            self.exit_codes[one.number] = -signal.SIGKILL
            self.killed.add(one.number)
        return []


def test_three_workers_and_kills_change_nothing(
    planned: Callable[..., Planned], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One worker trains the members in turn; three train them in another order, and two runs are killed."""
    pool: Any = InProcess(dies=())
    monkeypatch.setattr(trial_work, "Pool", pool)
    monkeypatch.setattr("ddpg.run.lifecycle._show", lambda *_: None)  # pictures take longer than the training
    calm = FormulaStudy(planned, tmp_path / "calm", pool, WORDS)
    trials = calm.run()
    pool = InProcess(dies=(0, 4))
    monkeypatch.setattr(trial_work, "Pool", pool)
    hit = FormulaStudy(planned, tmp_path / "hit", pool, WORDS)
    hit.begin()
    train_by_three(hit.folder.path)
    others = hit.trials()
    assert len(trials) == len(others) == 6
    assert pool.killed == {0, 4}
    for calm_trial, hit_trial in zip(trials, others, strict=True):
        assert told(hit_trial) == told(calm_trial)
        before = content(calm.folder, calm_trial)
        after = content(hit.folder, hit_trial)
        assert before[0] == after[0]
        assert before[1].keys() == after[1].keys()
        assert all(np.array_equal(value, after[1][name]) for name, value in before[1].items())
    require_copies(calm.folder, trials)


def train_by_three(folder: Path) -> None:
    """Let three workers on other machines take trials, and train them in the reverse order."""
    workers = [Turns(StudyFolder(folder), f"machine{number}:1:1", InterruptFlag()) for number in range(3)]
    while True:
        taken = [(turns, turn) for turns in workers if (turn := turns.next()) is not None]
        if not taken:
            return
        for turns, turn in reversed(taken):
            TrialWork(turns, turn, InterruptFlag()).train()


def told(trial: Trial) -> tuple[object, ...]:
    assert trial.result is not None
    return dict(trial.params), trial.origin, trial.part, trial.result.state, trial.result.value, trial.values


def content(study: StudyFolder, trial: Trial) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the record of a trial's run, and its weights."""
    run_folder = study.run_folder(trial, trial.seeds[0])
    return record(run_folder), flat(torch.load(run_folder / "actor.pt", weights_only=True)["actor"])


def require_copies(study: StudyFolder, trials: Sequence[Trial]) -> None:
    """Assert that members have the records of their parents, and their replay memories without another copy on disk."""
    for trial in trials[3:]:
        assert trial.part is not None
        assert trial.part.parent is not None
        parent = trials[trial.part.parent]
        rows = record(study.run_folder(parent, parent.seeds[0]))
        assert record(study.run_folder(trial, trial.seeds[0]))[: len(rows)] == rows
        segments = study.run_folder(trial, trial.seeds[0]).glob("checkpoint/replay-*.npz")
        assert any(path.stat().st_nlink > 1 for path in segments)
        assert trial.params["network.actor.hidden"] == parent.params["network.actor.hidden"]
