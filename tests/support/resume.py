"""Interrupted training: real signals at chosen steps, and the comparison with a run that nothing disturbed."""

import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from support.runs import assert_same

from ddpg.interrupt import Interrupted, InterruptFlag
from ddpg.training.trainer import Trainer

Make = Callable[..., Trainer]


class Alarm(InterruptFlag):
    """Sends this process a real signal when `looker` asks for the n-th time whether one has come.

    That is before the n-th step of training, or, by `evaluate`, of all evaluations together.
    """

    def __init__(self, looks: int, signum: signal.Signals, looker: str = "_run_episode") -> None:
        super().__init__()
        self.looks = looks
        self.sent = signum
        self.looker = looker

    def check(self) -> None:
        self.looks -= sys._getframe(1).f_code.co_name == self.looker
        if self.looks == 0:
            signal.raise_signal(self.sent)
        super().check()


def interrupted(make: Make, folder: Path, overrides: Sequence[str], stops: Sequence[int]) -> Trainer:
    """Train to the end in as many pieces as there are stops, and one more."""
    for number, looks in enumerate(stops):
        trainer = make(folder, *overrides)
        trainer.interrupt = Alarm(looks, (signal.SIGTERM, signal.SIGINT)[number % 2])
        with pytest.raises(Interrupted):
            trainer.train()
    last = make(folder, *overrides)
    last.train()
    return last


def assert_resumes(make: Make, folder: Path, overrides: Sequence[str], stops: Sequence[int]) -> None:
    """Assert that a run in pieces ends as a run in one piece, bit for bit."""
    straight = make(folder / "straight", *overrides)
    straight.train()
    pieces = interrupted(make, folder / "pieces", overrides, stops)
    assert_same(straight, pieces)
    for actor in (folder / "straight").glob("actor*.pt"):
        stored = [torch.load(folder / run / actor.name, weights_only=True) for run in ("straight", "pieces")]
        assert stored[0]["env_step"] == stored[1]["env_step"]
        assert all(torch.equal(stored[1]["actor"][key], value) for key, value in stored[0]["actor"].items())


def newest_state(run: Path) -> int:
    """Return the env step of a run's newest checkpoint; 0 if there is none."""
    return max((int(path.stem.partition("-")[2]) for path in (run / "checkpoint").glob("state-*.pt")), default=0)
