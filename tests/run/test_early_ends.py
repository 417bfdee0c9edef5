"""A schedule that is longer than the run is told in one line at the start."""

from collections.abc import Callable, Sequence

import pytest
from omegaconf import DictConfig
from support.command_line import assert_has

from ddpg.config.settings import check
from ddpg.run.build import build_schedule
from ddpg.run.early_ends import warn_of_early_ends

Compose = Callable[..., DictConfig]
SHORT = ["env=hopper", "total_steps=250_000", "random_steps=1000"]


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ([], None),
        (["noise.final_sigma=0.02", "noise.anneal_steps=250_000"], None),
        (["noise=none"], None),
        (
            ["noise.final_sigma=0.02"],
            "sigma moves to 0.08, not to noise.final_sigma=0.02 ... total_steps=250000 ... noise.anneal_steps=1000000",
        ),
        (["noise=ou", "noise.final_sigma=0"], "sigma moves to 0.15, not to noise.final_sigma=0"),
        (
            ["noise.final_sigma=0.02", "noise.anneal_steps=1000"],
            "noise.final_sigma=0.02 from ... noise.anneal_steps=1000 ... random_steps=1000",
        ),
        (
            ["replay=prioritized", "learning_starts=50_000"],
            "replay.beta grows to 0.52, not to 1 ... 200000 updates ... replay.beta_steps=1000000",
        ),
        (["replay=prioritized", "replay.beta=1"], None),
        (["random_steps=250_000"], "the actor never acts ... random_steps=250000 ... total_steps=250000"),
    ],
)
def test_early_ends(
    compose: Compose, caplog: pytest.LogCaptureFixture, words: Sequence[str], parts: str | None
) -> None:
    cfg = check(compose(*SHORT, *words))
    warn_of_early_ends(cfg, build_schedule(cfg))
    if parts is None:
        assert caplog.messages == []
    else:
        (line,) = caplog.messages
        assert_has(line, parts)
