"""A run folder that is moved, or loses a file, while the run trains in it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import DictConfig
from support.command_line import user_error
from support.runs import TINY, WALK

from ddpg.interrupt import InterruptFlag
from ddpg.record.run_folder import RunFolder
from ddpg.run.lifecycle import run

Compose = Callable[..., DictConfig]
#: With a checkpoint every 40 env steps and an evaluation at the end.
WORDS = [*WALK, *TINY, "total_steps=200", "checkpoint.every=40", "eval.every=200", "compile=false"]


class Hand(InterruptFlag):
    """Does something to the folder at the n-th look for a signal."""

    def __init__(self, looks: int, action: Callable[[], object]) -> None:
        super().__init__()
        self.looks = looks
        self.action = action

    def check(self) -> None:
        self.looks -= 1
        if self.looks == 0:
            self.action()
        super().check()


@pytest.fixture
def train(compose: Compose, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path, Callable[[], object]], object]:
    """Train a run in a folder; somebody acts on it in the middle."""
    monkeypatch.setattr("ddpg.run.lifecycle._show", lambda *_: None)
    monkeypatch.setattr("ddpg.training.trainer.SNAPSHOT_EVERY", 20)

    def _train(folder: Path, action: Callable[[], object]) -> object:
        with monkeypatch.context() as patch:
            patch.setattr("ddpg.run.lifecycle.InterruptFlag", lambda: Hand(150, action))
            return run(compose(*WORDS), folder)

    return _train


def test_a_folder_that_is_moved(tmp_path: Path, train: Callable[..., object], compose: Compose) -> None:
    folder = tmp_path / "run"
    moved = tmp_path / "moved"
    with user_error(f"run folder {folder} is gone ... resume="):
        train(folder, lambda: folder.rename(moved))
    assert RunFolder(moved).status()["env_step"] >= 40
    run(compose(*WORDS), moved)
    assert RunFolder(moved).status()["state"] == "done"


@pytest.mark.parametrize("name", ["status.json", "provenance.json"])
def test_a_file_that_is_removed(tmp_path: Path, train: Callable[..., object], name: str) -> None:
    folder = RunFolder(tmp_path)
    train(tmp_path, (tmp_path / name).unlink)
    assert folder.status().items() >= {"state": "done", "env_step": 200}.items()


def test_a_failure_after_status_json_is_gone_is_itself(tmp_path: Path, train: Callable[..., object]) -> None:
    def fail() -> None:
        (tmp_path / "status.json").unlink()
        raise ZeroDivisionError("the true error")

    with pytest.raises(ZeroDivisionError, match="the true error"):
        train(tmp_path, fail)
    assert RunFolder(tmp_path).status()["error"] == "ZeroDivisionError: the true error"


@pytest.mark.parametrize("content", ["3", "[]", '{"state": "done"}', "{"])
def test_a_status_that_somebody_has_spoiled(tmp_path: Path, content: str) -> None:
    (tmp_path / "status.json").write_text(content)
    assert RunFolder(tmp_path).status() in ({}, {"state": "done"})
