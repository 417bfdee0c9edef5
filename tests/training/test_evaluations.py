"""The best actor is the best of evaluations with the same number of episodes, from the same starts."""

import logging
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support.runs import record

from ddpg.training.trainer import Trainer

Make = Callable[..., Trainer]


def test_a_resume_with_other_evaluations_chooses_the_best_actor_anew(
    tmp_path: Path, make_trainer: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """Means of fewer episodes are larger by chance, so they are not compared; no actor is lost."""
    logger = "ddpg.training.evaluations"
    caplog.set_level(logging.INFO, logger)
    first = make_trainer(tmp_path, "total_steps=200", "eval.episodes=3")
    first.train()
    before = (tmp_path / "actor_best.pt").read_bytes()
    assert torch.load(tmp_path / "actor_best.pt", weights_only=True)["episodes"] == 3

    trainer = make_trainer(tmp_path, "total_steps=300", "eval.episodes=1")
    trainer.train()
    (line,) = [entry.getMessage() for entry in caplog.records if entry.name == logger]
    assert line.startswith("eval.episodes=1: ")
    assert "3 episodes" in line
    assert line.endswith("actor_best_of_3.pt")
    assert (tmp_path / "actor_best_of_3.pt").read_bytes() == before
    (evaluation,) = [row for row in record(tmp_path) if row["env_step"] > 200 and "eval/episodic_return" in row]
    assert trainer.progress.best_return == evaluation["eval/episodic_return"]
    assert torch.load(tmp_path / "actor_best.pt", weights_only=True)["env_step"] == 300


def test_returns_from_other_starts_are_not_compared(tmp_path: Path, make_trainer: Make) -> None:
    """A checkpoint that does not tell the starts of its best return keeps that return."""
    make_trainer(tmp_path, "total_steps=200").train()
    trainer = make_trainer(tmp_path, "total_steps=300")
    trainer.progress.best_return = 1e9
    trainer.progress.best_of = 2
    trainer.progress.best_starts = None
    trainer.evaluations._keep(0.0)
    assert trainer.progress.best_return == 1e9
    other = make_trainer(tmp_path, "total_steps=300", "eval.seed=7")
    other.progress.load_state_dict(trainer.progress.state_dict())
    other.evaluations._keep(0.0)
    assert (other.progress.best_return, other.progress.best_starts) == (0.0, 7)
    other.evaluations._keep(-1.0)
    assert other.progress.best_return == 0.0


def test_a_resume_without_evaluations_has_no_result(tmp_path: Path, make_trainer: Make) -> None:
    assert make_trainer(tmp_path, "total_steps=200").train() is not None
    assert make_trainer(tmp_path, "total_steps=250", "eval.every=null").train() is None
