"""Rare ends of a run: impatient users, small memories, noises of one's own, failures of a second start."""

import json
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import DictConfig
from support.runs import TINY, WALK, assert_same
from test_resume import Alarm, assert_resumes, interrupted, newest_state

from ddpg.errors import UserError
from ddpg.interrupt import Interrupted
from ddpg.record.run_folder import RunFolder
from ddpg.run.lifecycle import run
from ddpg.training.trainer import Trainer

Make = Callable[..., Trainer]
Start = Callable[..., float]


@pytest.fixture
def start(compose: Callable[..., DictConfig], monkeypatch: pytest.MonkeyPatch) -> Start:
    """start(folder, "seed=2"): a TINY run of 200 steps, as `ddpg-train` starts it, without its pictures."""
    monkeypatch.setattr("ddpg.run.lifecycle._show", lambda *_: None)
    return lambda folder, *overrides: run(compose(*WALK, *TINY, "total_steps=200", *overrides), folder, overrides)


def test_memory_smaller_than_the_steps_between_checkpoints(tmp_path: Path, make_trainer: Make) -> None:
    """It is written before it drops what no checkpoint holds yet, so that a signal costs little all the same."""
    settings = ["buffer_size=400", "checkpoint.every=100000", "total_steps=1500"]
    trainer = make_trainer(tmp_path / "cut", *settings)
    trainer.interrupt = Alarm(1000, signal.SIGTERM)
    with pytest.raises(Interrupted):
        trainer.train()
    assert 700 <= newest_state(tmp_path / "cut") <= trainer.progress.env_step == 999
    assert_resumes(make_trainer, tmp_path, settings, [1000, 400])


class TestSignalDuringAnEvaluation:
    def test_stops_it(self, tmp_path: Path, make_trainer: Make) -> None:
        trainer = make_trainer(tmp_path)
        trainer.interrupt = Alarm(10, signal.SIGTERM, "evaluate")
        with pytest.raises(Interrupted):
            trainer.train()
        assert len(trainer.environments.evaluation.unwrapped.actions) == 9
        assert list((tmp_path / "checkpoint").glob("state-*.pt"))

    @pytest.mark.parametrize("where", ["in the first", "in the middle", "in the last"])
    def test_resumes_exactly(self, tmp_path: Path, make_trainer: Make, where: str) -> None:
        settings = ["total_steps=450", "eval.every=100"]
        straight = make_trainer(tmp_path / "straight", *settings)
        straight.train()
        steps = len(straight.environments.evaluation.unwrapped.actions)
        looks = {"in the first": 10, "in the middle": steps // 2, "in the last": steps}[where]
        cut = make_trainer(tmp_path / "pieces", *settings)
        cut.interrupt = Alarm(looks, signal.SIGTERM, "evaluate")
        with pytest.raises(Interrupted):
            cut.train()
        assert (cut.progress.env_step == 0, cut.progress.env_step == 450) == (
            where == "in the first",
            where == "in the last",
        )
        assert cut.progress.env_step - newest_state(tmp_path / "pieces") <= 240
        assert_same(straight, interrupted(make_trainer, tmp_path / "pieces", settings, []))


def own_noise(name: str) -> list[str]:
    """The overrides for a noise of support/noises.py."""
    return ["noise=none", f"noise._target_=support.noises.{name}"]


class TestNoiseOfOnesOwn:
    def test_state_changed_in_place(self, tmp_path: Path, make_trainer: Make) -> None:
        """The snapshot keeps what it was."""
        assert_resumes(make_trainer, tmp_path, own_noise("Drift"), [250, 130])

    def test_state_that_could_not_be_read_again(
        self, tmp_path: Path, make_trainer: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Said before the first step, and no checkpoint of it stands in the way of the mended noise."""
        trainer = make_trainer(tmp_path, *own_noise("Unstorable"))
        with pytest.raises(UserError, match=r"^noise\.state_dict\(\) has to hold .*\.tolist\(\)"):
            trainer.train()
        assert trainer.progress.env_step == 0
        assert newest_state(tmp_path) == 0
        assert not list(tmp_path.glob("checkpoint/*"))
        mended = make_trainer(tmp_path, *own_noise("Drift"))
        mended.train()
        with pytest.raises(UserError, match=r"noise\.state_dict"):
            make_trainer(tmp_path, *own_noise("Unstorable"), "total_steps=500").train()
        again = make_trainer(tmp_path, *own_noise("Drift"), "total_steps=500")
        again.snapshots.resume()
        assert again.progress.env_step == 400


class TestStatus:
    def test_evaluation_that_is_not_finite_is_no_result(self, tmp_path: Path, start: Start) -> None:
        with pytest.raises(UserError, match="evaluation_return is not finite"):
            start(tmp_path, "+env.kwargs.nan_reward=10")
        status = RunFolder(tmp_path).status()
        assert status["state"] == "failed"
        assert status["error"].startswith("evaluation_return is not finite")
        assert "last_return" not in status

    def test_failed_extension_keeps_the_results_so_far(
        self, tmp_path: Path, start: Start, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        start(tmp_path)
        before = RunFolder(tmp_path).status()

        def fail(trainer: Trainer) -> None:
            raise UserError("the simulator failed")

        with monkeypatch.context() as patch:
            patch.setattr(Trainer, "_run_episode", fail)
            with pytest.raises(UserError):
                start(tmp_path, "total_steps=300")
        expected = before | {"state": "failed", "error": "the simulator failed"}
        assert RunFolder(tmp_path).status() == expected
        start(tmp_path, "total_steps=300")
        status = RunFolder(tmp_path).status()
        assert (status["state"], status["env_step"]) == ("done", 300)
        assert "error" not in status


def test_provenance_lists_every_start(tmp_path: Path, start: Start) -> None:
    start(tmp_path)
    start(tmp_path)  # is done already: no start
    start(tmp_path, "total_steps=300")
    starts = json.loads((tmp_path / "provenance.json").read_text())
    assert [(entry["device"], entry["threads"], entry["seed"]) for entry in starts] == [("cpu", 1, 1)] * 2
    assert all(entry["started"] and entry["versions"] for entry in starts)
