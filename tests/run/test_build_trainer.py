"""The values of a config come to the objects that a run consists of."""

from collections.abc import Callable
from pathlib import Path

from ddpg.training.trainer import Trainer


def test_gamma_comes_to_the_returns_that_are_learned(tmp_path: Path, make_trainer: Callable[..., Trainer]) -> None:
    """The memory has it, from which minibatches get their discounts; the bias of Q is measured with the same."""
    assert make_trainer(tmp_path, "gamma=0.9").replay.gamma == 0.9
