"""Numbers that are not finite, and simulators that fail: one line, and the state from before."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.runs import flat, record

from ddpg.errors import UserError
from ddpg.training.trainer import Trainer

Make = Callable[..., Trainer]


class TestNotFinite:
    """A NaN or a failing simulator leaves one line with quantity and step, and the state from before."""

    @pytest.mark.parametrize(
        ("fault", "message"),
        [
            ("nan_reward", r"step returned nan as the reward; .* \(at env_step 249, episode \d+\)$"),
            ("nan_obs", r"step returned an observation with nan at place 2 of 3; .* \(at env_step 249, episode \d+\)$"),
            ("crash", r"simulator failed in step: RuntimeError: the solver diverged \(at env_step 249, episode \d+\)$"),
        ],
    )
    def test_environment(self, tmp_path: Path, make_trainer: Make, fault: str, message: str) -> None:
        trainer = make_trainer(tmp_path, f"+env.kwargs.{fault}=250")
        with pytest.raises(UserError, match=message):
            trainer.train()
        self.assert_saved(tmp_path, make_trainer, at_least=200)

    def test_loss_in_an_episode(self, tmp_path: Path, make_trainer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        trainer = make_trainer(tmp_path, "updates_per_step=1")
        self.break_losses(
            trainer, monkeypatch, when=lambda: trainer.progress.env_step == 253 and not self.at_end(trainer)
        )
        with pytest.raises(UserError, match=r"^losses/qf1_loss is not finite \(at env_step 253, episode \d+\)$"):
            trainer.train()
        self.assert_saved(tmp_path, make_trainer, at_least=200)

    def test_loss_at_the_end_of_an_episode(
        self, tmp_path: Path, make_trainer: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """The state at the next episode's start is spoilt already: it must not become the checkpoint."""
        trainer = make_trainer(tmp_path, "checkpoint.every=1", "updates_per_step=1")
        monkeypatch.setattr("ddpg.training.trainer.SNAPSHOT_EVERY", 1)
        self.break_losses(trainer, monkeypatch, when=lambda: trainer.progress.env_step > 250 and self.at_end(trainer))
        with pytest.raises(UserError, match="losses/qf1_loss is not finite"):
            trainer.train()
        self.assert_saved(tmp_path, make_trainer, at_least=200)

    def test_loss_at_the_last_step(self, tmp_path: Path, make_trainer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        trainer = make_trainer(tmp_path, "updates_per_step=1")
        self.break_losses(trainer, monkeypatch, when=lambda: trainer.progress.env_step == 400)
        with pytest.raises(UserError, match=r"losses/qf1_loss is not finite \(at env_step 400"):
            trainer.train()

    def test_loss_during_the_warm_up(self, tmp_path: Path, make_trainer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
        trainer = make_trainer(tmp_path, "random_steps=300", "updates_per_step=1")
        self.break_losses(trainer, monkeypatch, when=lambda: trainer.progress.env_step == 100)
        with pytest.raises(UserError, match=r"is not finite \(at env_step 1\d\d"):
            trainer.train()

    def test_loss_that_spoils_no_weight(
        self, tmp_path: Path, make_trainer: Make, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It shows in the means, when they are to be written."""
        trainer = make_trainer(tmp_path, "updates_per_step=1")
        update = trainer.agent.update

        def _update(batch: Any) -> Any:
            step = update(batch)
            spoilt = {**step.metrics, "losses/qf1_loss": torch.tensor(torch.inf)}
            return step._replace(metrics=spoilt) if trainer.progress.env_step == 203 else step

        monkeypatch.setattr(trainer.agent, "update", _update)
        with pytest.raises(UserError, match=r"^losses/qf1_loss is not finite \(at env_step 2(03|50), episode \d+\)$"):
            trainer.train()
        assert record(tmp_path)[-1]["env_step"] <= 250

    @pytest.mark.parametrize("where", ["at a boundary", "at the last step"])
    def test_weights_after_the_last_update(
        self, tmp_path: Path, make_trainer: Make, monkeypatch: pytest.MonkeyPatch, where: str
    ) -> None:
        """Its losses were finite, and no other update shows what it did: the spoilt weights are not saved."""
        trainer = make_trainer(tmp_path, "checkpoint.every=1", "updates_per_step=1")
        monkeypatch.setattr("ddpg.training.trainer.SNAPSHOT_EVERY", 1)
        update, last = trainer.agent.update, where == "at the last step"

        def _update(batch: Any) -> Any:
            step = update(batch)
            if trainer.progress.env_step == 400 if last else trainer.progress.env_step > 250 and self.at_end(trainer):
                torch.nn.init.constant_(trainer.agent.critic.critics[0].final.bias, torch.nan)
            return step

        monkeypatch.setattr(trainer.agent, "update", _update)
        with pytest.raises(UserError, match=r"^a weight of the critic is not finite \(at env_step \d+, episode \d+\)$"):
            trainer.train()
        assert (trainer.progress.env_step == 400) == last
        self.assert_saved(tmp_path, make_trainer, at_least=200)

    def test_evaluation(self, tmp_path: Path, make_trainer: Make) -> None:
        trainer = make_trainer(tmp_path, "+env.kwargs.nan_reward=10")
        line = r"^evaluation: env.id=Walk-v0: step returned nan as the reward; .* \(at env_step 0, episode 0\)$"
        with pytest.raises(UserError, match=line):
            trainer.train()
        assert record(tmp_path) == []
        assert not (tmp_path / "actor_best.pt").exists()

    @staticmethod
    def at_end(trainer: Trainer) -> bool:
        return bool(trainer.replay.ends[(trainer.replay.total - 1) % trainer.replay.slots])

    @staticmethod
    def break_losses(trainer: Trainer, monkeypatch: pytest.MonkeyPatch, when: Callable[[], bool]) -> None:
        """The critic's weights become NaN, as after a loss that overflowed."""
        update = trainer.agent.update

        def _update(batch: Any) -> Any:
            if when():
                torch.nn.init.constant_(trainer.agent.critic.critics[0].final.bias, torch.nan)
            return update(batch)

        monkeypatch.setattr(trainer.agent, "update", _update)

    @staticmethod
    def assert_saved(folder: Path, make_trainer: Make, at_least: int) -> None:
        resumed = make_trainer(folder, "updates_per_step=1")
        resumed.snapshots.resume()
        assert resumed.progress.env_step >= at_least
        values = flat(resumed.agent.state_dict()).values()
        assert all(torch.isfinite(value).all() for value in values if isinstance(value, torch.Tensor))
        actor = torch.load(folder / "actor.pt", weights_only=True)["actor"]
        assert all(torch.isfinite(value).all() for value in actor.values())


def test_an_algorithm_names_its_metrics_as_it_likes(
    make_trainer: Callable[..., Trainer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(tmp_path, "random_steps=80", "noise=adaptive_parameter", "noise.sigma=1e30")
    update = trainer.agent.update

    def _update(batch: Any) -> Any:
        step = update(batch)
        return step._replace(metrics={**step.metrics, "self": 0.0, "action": 0.0})

    monkeypatch.setattr(trainer.agent, "update", _update)
    with pytest.raises(UserError, match=r"^noisy_action is not finite \(at env_step 80"):
        trainer.train()


def test_noise_that_is_not_finite_never_reaches_the_simulator(
    make_trainer: Callable[..., Trainer], tmp_path: Path
) -> None:
    settings = ["noise=adaptive_parameter", "network.actor.norm=layer", "noise.sigma=1e30"]
    trainer = make_trainer(tmp_path, *settings)
    with pytest.raises(UserError, match=r"^noisy_action is not finite \(at env_step 40, episode \d+\)$"):
        trainer.train()
    assert np.isfinite(trainer.environments.training.unwrapped.actions).all()


def test_a_rescue_that_fails_does_not_hide_the_failure(
    tmp_path: Path, make_trainer: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    trainer = make_trainer(tmp_path, "+env.kwargs.crash=150")

    def broken() -> None:
        raise MemoryError("no room for a copy")

    monkeypatch.setattr(trainer.snapshots, "save", broken)
    with pytest.raises(UserError, match="the solver diverged"):
        trainer.train()
    assert "the newest state is not saved (MemoryError: no room for a copy)" in caplog.text


def test_sys_exit_anywhere_in_training_saves_the_run(
    tmp_path: Path, make_trainer: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer(tmp_path)
    reset = trainer.noise.reset

    def reset_or_exit() -> None:
        reset() if trainer.progress.env_step < 250 else sys.exit(3)

    monkeypatch.setattr(trainer.noise, "reset", reset_or_exit)
    with pytest.raises(UserError, match=r"^sys\.exit\(3\) was called \(at env_step 2"):
        trainer.train()
    TestNotFinite.assert_saved(tmp_path, make_trainer, at_least=200)
