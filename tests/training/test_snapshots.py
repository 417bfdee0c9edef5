"""Snapshots: what is saved in time, under signals from all sides, and from a user's noise."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.resume import Alarm, assert_resumes, interrupted, newest_state
from support.runs import assert_same

from ddpg.errors import UserError
from ddpg.interrupt import SIGNALS, Interrupted
from ddpg.training.trainer import Trainer

Make = Callable[..., Trainer]


#: Calls of `os.fsync` in a rescue.
WAITS = 7


class Storm:
    """Real signals from within `os.fsync`, which is where a save waits: one in each call, from the n-th on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, signals: tuple[signal.Signals, ...], first: int = 1) -> None:
        self.calls, self.signals, self.first, self._fsync = 0, list(signals), first, os.fsync
        monkeypatch.setattr(os, "fsync", self)

    def __call__(self, descriptor: int) -> None:
        self.calls += 1
        if self.calls >= self.first and self.signals:
            signal.raise_signal(self.signals.pop(0))
        self._fsync(descriptor)


def test_during_a_save(tmp_path: Path, make_trainer: Make, train: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """In each of its nine waits for the disk: it ends, the run stops at the next step, nothing is lost."""
    straight = train(tmp_path / "straight")
    for call in range(1, 10):
        trainer = make_trainer(tmp_path / f"cut{call}")
        with monkeypatch.context() as patch:
            save = trainer.snapshots.save
            storm = Storm(patch, (signal.SIGUSR2, signal.SIGTERM), first=10_000)

            def stormy(
                call: int = call, save: Any = save, storm: Storm = storm, taken: Any = trainer.snapshots
            ) -> None:
                storm.first = min(storm.first, storm.calls + call) if taken.taken_at > 150 else 10_000
                save()

            patch.setattr(trainer.snapshots, "save", stormy)
            with pytest.raises(Interrupted, match="SIGUSR2"):
                trainer.train()
        assert trainer.snapshots.taken_at == newest_state(tmp_path / f"cut{call}") > 150
        assert_same(straight, interrupted(make_trainer, tmp_path / f"cut{call}", [], []))


@pytest.mark.parametrize("turn", range(len(SIGNALS)))
def test_during_a_rescue(
    tmp_path: Path, make_trainer: Make, train: Make, monkeypatch: pytest.MonkeyPatch, turn: int
) -> None:
    """The save that the first signal asked for is not cut short by the same one again or by others."""
    others = (*SIGNALS[turn + 1 :], *SIGNALS[:turn])
    order = (SIGNALS[turn], *others[: WAITS - 1], SIGNALS[turn])
    trainer = make_trainer(tmp_path, "total_steps=260", "checkpoint.every=1000")
    trainer.interrupt = Alarm(250, order[0])
    with monkeypatch.context() as patch:
        storm = Storm(patch, order[1:], first=10_000)
        rescue = trainer.snapshots.rescue
        patch.setattr(trainer.snapshots, "rescue", lambda: (setattr(storm, "first", 0), rescue()))
        with pytest.raises(Interrupted, match=order[0].name):
            trainer.train()
    assert not storm.signals
    assert newest_state(tmp_path) == trainer.snapshots.taken_at >= 200
    assert train(tmp_path, "total_steps=260").progress.env_step == 260


def test_during_the_rescue_of_a_failure(tmp_path: Path, make_trainer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """The failure is reported, not the signal, because the run would fail again."""
    trainer = make_trainer(tmp_path, "+env.kwargs.crash=250")
    with monkeypatch.context() as patch:
        storm = Storm(patch, (signal.SIGTERM,), first=10_000)
        rescue = trainer.snapshots.rescue
        patch.setattr(trainer.snapshots, "rescue", lambda: (setattr(storm, "first", 0), rescue()))
        with pytest.raises(UserError, match="the solver diverged"):
            trainer.train()
    assert not storm.signals
    assert newest_state(tmp_path) >= 200


def test_during_the_last_save_of_a_run(tmp_path: Path, make_trainer: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is done then, and says so: a cluster that starts it again would find nothing to do."""
    trainer = make_trainer(tmp_path, "total_steps=150")
    with monkeypatch.context() as patch:
        storm = Storm(patch, (signal.SIGTERM,), first=10_000)
        save = trainer.snapshots.save

        def stormy() -> None:
            storm.first = 0 if trainer.snapshots.taken_at == 150 else storm.first
            save()

        patch.setattr(trainer.snapshots, "save", stormy)
        trainer.train()
    assert not storm.signals
    assert newest_state(tmp_path) == 150


def test_the_first_failure_is_the_one_reported(
    tmp_path: Path, make_trainer: Make, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    trainer = make_trainer(tmp_path, "+env.kwargs.nan_reward=300")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    step = trainer._step

    def step_on_full_disk(action: np.ndarray) -> Any:
        if trainer.progress.env_step == 290:
            monkeypatch.setattr(os, "fsync", full)
        return step(action)

    monkeypatch.setattr(trainer, "_step", step_on_full_disk)
    with pytest.raises(UserError, match="nan as the reward"):
        trainer.train()
    assert "the newest state is not saved" in caplog.text


def test_memory_smaller_than_the_steps_between_checkpoints(tmp_path: Path, make_trainer: Make) -> None:
    """It is written before it drops what no checkpoint holds yet, so that a signal costs little all the same."""
    settings = ["buffer_size=400", "checkpoint.every=100000", "total_steps=1500"]
    trainer = make_trainer(tmp_path / "cut", *settings)
    trainer.interrupt = Alarm(1000, signal.SIGTERM)
    with pytest.raises(Interrupted):
        trainer.train()
    assert 700 <= newest_state(tmp_path / "cut") <= trainer.progress.env_step == 999
    assert_resumes(make_trainer, tmp_path, settings, [1000, 400])


def test_state_of_a_replay_of_ones_own_that_is_changed_in_place(tmp_path: Path, make_trainer: Make) -> None:
    """The snapshot keeps what it was."""
    assert_resumes(make_trainer, tmp_path, ["replay._target_=support.replays.InTurn"], [250, 130])


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
