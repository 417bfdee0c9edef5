"""Signals: each is a flag, one during a save or a rescue cuts nothing, and what stood there before comes back."""

import itertools
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.runs import assert_same
from test_resume import Alarm, interrupted, newest_state

from ddpg.errors import UserError
from ddpg.interrupt import IMPATIENCE_S, SIGNALS, Interrupted, InterruptFlag
from ddpg.training.trainer import Trainer

Make = Callable[..., Trainer]


@pytest.mark.parametrize("signum", SIGNALS)
def test_a_signal_is_a_flag(signum: signal.Signals) -> None:
    """The shell's exit code; a handler from before (submitit's) is not called, and is there again afterwards."""
    called: list[int] = []

    def handler(number: int, frame: object) -> None:
        called.append(number)

    before = signal.signal(signum, handler)
    try:
        with InterruptFlag() as flag:
            flag.check()
            signal.raise_signal(signum)
            with pytest.raises(Interrupted, match=signum.name) as caught:
                flag.check()
        assert caught.value.exit_code == 128 + signum
        assert not called
        assert signal.getsignal(signum) is handler
    finally:
        signal.signal(signum, before)


def test_a_run_under_nohup_outlives_its_terminal() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with InterruptFlag() as flag:
            signal.raise_signal(signal.SIGHUP)
            flag.check()
        assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize("first", SIGNALS)
def test_the_first_signal_gives_the_exit_code(first: signal.Signals) -> None:
    """In all orders of those that follow."""
    for others in itertools.permutations(set(SIGNALS) - {first}):
        with InterruptFlag() as flag:
            for signum in (first, *others):
                signal.raise_signal(signum)
            with pytest.raises(Interrupted, match=first.name):
                flag.check()


def test_one_ctrl_c_that_comes_twice_at_once_is_one() -> None:
    with InterruptFlag() as flag:
        signal.raise_signal(signal.SIGINT)
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:  # would end pytest
            pytest.fail("the second one is taken for another")
        with pytest.raises(Interrupted) as caught:
            flag.check()
    assert caught.value.exit_code == 130


@pytest.mark.parametrize("first", SIGNALS)
def test_a_later_ctrl_c_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, first: signal.Signals) -> None:
    now = [100.0]
    with monkeypatch.context() as patch, InterruptFlag() as flag:
        patch.setattr("ddpg.interrupt.time.monotonic", lambda: now[0])
        signal.raise_signal(first)
        now[0] += IMPATIENCE_S + 0.1
        for signum in set(SIGNALS) - {signal.SIGINT}:  # a cluster may repeat them as it likes
            signal.raise_signal(signum)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    assert flag.signum == first


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
    order = (*SIGNALS[turn:], *SIGNALS[: turn + 1])
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
    """What failed is told, not the signal: the run would fail again."""
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
