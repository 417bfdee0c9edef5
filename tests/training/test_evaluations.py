"""The best actor is the best of evaluations with the same number of episodes, from the same starts."""

import logging
import shutil
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from support.resume import Alarm, assert_resumes
from support.runs import record

from ddpg.interrupt import Interrupted
from ddpg.record.run_folder import RunFolder
from ddpg.training.evaluations import Evaluations
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
    assert best_step(tmp_path) == 300


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


def test_an_evaluation_does_not_explore(tmp_path: Path, make_trainer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor does training in its first random_steps."""
    trainer = make_trainer(tmp_path, "random_steps=100", "learning_starts=100", "total_steps=100")
    monkeypatch.setattr(trainer.agent, "explore", pytest.fail)
    trainer.train()


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The evaluations at some env steps have returns that no other comes near to."""
    returns = {100: 500.0, 200: 400.0, 300: 500.0, 350: 600.0}
    keep = Evaluations._keep

    def _keep(evaluations: Evaluations, mean_return: float) -> None:
        keep(evaluations, returns.get(evaluations._progress.env_step, mean_return))

    monkeypatch.setattr(Evaluations, "_keep", _keep)


@pytest.fixture
def ahead(tmp_path: Path, make_trainer: Make, scripted: None) -> Path:
    """A run that has ended after its best evaluation, and before a checkpoint that knows of it."""
    trainer = make_trainer(tmp_path, "eval.every=50")
    trainer.interrupt = Alarm(360, signal.SIGTERM)
    with pytest.raises(Interrupted):
        trainer.train()
    assert trainer.snapshots.saved_at < best_step(tmp_path) == 350
    return tmp_path


def best_step(folder: Path) -> int:
    """The env step of the best actor."""
    step: int = torch.load(folder / "actor_best.pt", weights_only=True)["env_step"]
    return step


@pytest.mark.parametrize("crash", [False, True], ids=["found", "crash"])
@pytest.mark.parametrize(
    "words", [["eval.every=160"], ["eval.episodes=1", "eval.every=160"], ["eval.every=160", "total_steps=340"]]
)
def test_the_best_actor_is_of_an_evaluation_in_the_record(
    ahead: Path, make_trainer: Make, words: list[str], crash: bool
) -> None:
    """Also after another crash, between the removal of the actor and the next one."""
    if crash:
        (ahead / "actor_best.pt").unlink()
    trainer = make_trainer(ahead, *words)
    trainer.train()
    evaluations = {row["env_step"]: row for row in record(ahead) if "eval/episodic_return" in row}
    assert evaluations[best_step(ahead)]["eval/episodic_return"] == trainer.progress.best_return
    assert [path.name for path in RunFolder(ahead).best_actors()] == ["actor_best.pt"]


def test_a_resume_without_evaluations_has_no_best_actor_that_came_later(ahead: Path, make_trainer: Make) -> None:
    """A copy that somebody made stays."""
    shutil.copy(ahead / "actor_best.pt", ahead / "actor_best_keep.pt")
    make_trainer(ahead, "eval.every=null").train()
    assert not (ahead / "actor_best.pt").exists()
    assert (ahead / "actor_best_keep.pt").exists()


@pytest.mark.usefixtures("scripted")
def test_a_resume_as_before_ends_with_the_same_best_actor(tmp_path: Path, make_trainer: Make) -> None:
    """The later evaluation comes again; so does the one before it, which is as good as the best of the checkpoint."""
    assert_resumes(make_trainer, tmp_path, ["eval.every=50"], [360, 100])
    assert best_step(tmp_path / "pieces") == 350


def test_a_finished_run_keeps_its_best_actor(tmp_path: Path, make_trainer: Make) -> None:
    make_trainer(tmp_path, "total_steps=200").train()
    before = (tmp_path / "actor_best.pt").read_bytes()
    make_trainer(tmp_path, "total_steps=250", "eval.every=null").train()
    assert (tmp_path / "actor_best.pt").read_bytes() == before


def test_a_run_at_its_end_that_has_no_best_actor_is_evaluated(tmp_path: Path, make_trainer: Make) -> None:
    make_trainer(tmp_path, "total_steps=200").train()
    (tmp_path / "actor_best.pt").unlink()
    trainer = make_trainer(tmp_path, "total_steps=200")
    assert trainer.train() == trainer.progress.best_return
    assert best_step(tmp_path) == 200
