"""Runs that would fail or learn nothing are found before they start."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from gymnasium import spaces
from omegaconf import DictConfig
from support.config_options import CONF

from ddpg.config.settings import check
from ddpg.errors import UserError
from ddpg.run.build import transition_bytes
from ddpg.run.checks import (
    USUAL_UPDATES,
    check_learning,
    require_memory,
    warn_of_coarse_actions,
    warn_of_raw_actions,
    warn_of_targets,
)
from ddpg.run.env_spec import build_env_spec
from ddpg.training.trainer import Trainer

Compose = Callable[..., DictConfig]
Make = Callable[..., Trainer]


@pytest.mark.parametrize("free", [None, 100, 99])
def test_transitions_have_to_fit_the_memory(
    compose: Compose, monkeypatch: pytest.MonkeyPatch, free: int | None
) -> None:
    """`free` counts transitions; where the system does not say what is free, nothing is refused."""
    cfg = check(compose("env=pendulum", "buffer_size=100", "batch_size=8"))
    size = transition_bytes(build_env_spec(cfg).make())
    monkeypatch.setattr("ddpg.run.checks.available_memory", lambda: None if free is None else free * size)
    if free != 99:
        require_memory(cfg, 100, size, (3,))
        return
    with pytest.raises(UserError) as refusal:
        require_memory(cfg, 100, size, (3,))
    assert str(refusal.value).startswith("buffer_size=100 needs ")
    assert str(refusal.value).endswith("at most 99 fit")


@pytest.mark.parametrize(
    ("norm", "batch_size", "refused"),
    [("actor.norm=batch", 1, True), ("critic.norm=batch", 1, True), ("actor.norm=batch", 2, False),
     ("actor.norm=layer", 1, False)],
)  # fmt: skip
def test_batch_norm_needs_more_than_one_transition(
    tmp_path: Path, compose: Compose, make_trainer: Make, norm: str, batch_size: int, refused: bool
) -> None:
    words = [f"network.{norm}", f"batch_size={batch_size}"]
    trainer = make_trainer(tmp_path, *words)
    if not refused:
        check_learning(check(compose(*words)), trainer)
        return
    with pytest.raises(UserError) as refusal:
        check_learning(check(compose(*words)), trainer)
    assert str(refusal.value).startswith("batch_size=1 ")
    assert "norm=none" in str(refusal.value)


@pytest.mark.parametrize(
    ("words", "warned"),
    [
        (["learning_starts=400"], True),
        (["update_every=401"], True),
        (["learning_starts=399", "updates_per_step=1"], False),
    ],
)
def test_a_run_that_never_learns_is_warned_of(
    tmp_path: Path, compose: Compose, make_trainer: Make, caplog: pytest.LogCaptureFixture,
    words: list[str], warned: bool,
) -> None:  # fmt: skip
    check_learning(check(compose("total_steps=400", *words)), make_trainer(tmp_path, *words))
    assert ("nothing will be learned" in caplog.text) == warned
    assert ("total_steps=400" in caplog.text) == warned


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["algorithm=d4pg"], "tau=0.005 with algorithm.target_delay=100: the targets follow the networks within about "
         "20000 updates, those of the presets within 100 to 1000;"),
        (["preset=baselines_param_noise", "algorithm=d4pg"], "tau=0.01 with algorithm.target_delay=100:"),
        (["preset=d4pg", "algorithm=ddpg"], "tau=1 with algorithm.target_delay=1: the targets follow the networks "
         "within about 1 update, "),
        (["preset=d4pg", "algorithm=td3"], "tau=1 with algorithm.target_delay=2:"),
        (["algorithm=d4pg", "tau=1"], ""),
        (["preset=paper", "algorithm=td3"], ""),
        (["preset=d4pg", "algorithm=td3", "algorithm/head=categorical", "tau=0.005"], ""),
        (["tau=0"], ""),
    ],
)  # fmt: skip
def test_targets_that_hardly_follow_or_are_the_networks_are_warned_of(
    compose: Compose, caplog: pytest.LogCaptureFixture, words: list[str], line: str
) -> None:
    warn_of_targets(check(compose(*words)))
    assert [record.getMessage().startswith(line) for record in caplog.records] == [True] * bool(line)


def test_the_usual_updates_of_targets_are_those_of_the_presets(compose: Compose) -> None:
    presets = sorted(path.stem for path in (CONF / "preset").glob("*.yaml"))
    configs = [compose("env=pendulum", f"preset={preset}") for preset in presets]
    updates = [cfg.algorithm.target_delay / cfg.tau for cfg in configs]
    assert (min(updates), max(updates)) == USUAL_UPDATES


@pytest.mark.parametrize(
    ("bounds", "words", "keys"),
    [
        ((-1e-6, 1e-6), [], ["network.critic.scaled_actions=true"]),
        ((1000, 1000.5), [], ["network.critic.scaled_actions=true"]),
        ((-1e10, 1e10), ["preset=td3_2018"], ["network.critic.scaled_actions=true", "noise.scaled=true"]),
        ((-1e4, 1e4), ["preset=sb3"], []),
        ((-1e4, 1e4), ["preset=sb3", "noise=gaussian_unscaled"], ["noise.scaled=true"]),
        ((-0.4, 0.4), ["preset=td3_2018"], []),
        ((-3, 1), [], []),
        ((50, 50), [], []),
    ],
)
def test_actions_far_from_one_in_the_environments_units_are_warned_of(
    compose: Compose, caplog: pytest.LogCaptureFixture, bounds: tuple[float, float], words: list[str], keys: list[str]
) -> None:
    low, high = np.float32([[-1, bounds[0]], [1, bounds[1]]])
    warn_of_raw_actions(check(compose(*words)), spaces.Box(low, high))
    assert len(caplog.records) == bool(keys)
    assert [word for word in caplog.text.split() if "scaled" in word] == keys
    assert not keys or f"action[1] is between {bounds[0]:g} and {bounds[1]:g}" in caplog.text


@pytest.mark.parametrize(
    ("low", "high", "every"),
    [(1e8, 1e8 + 1, "8"), (1e6, 1e6 + 1, "0.062"), (1000, 1000.5, ""), (5, 5, ""), (-1, 1, "")],
)
def test_ranges_with_few_numbers_in_float32_are_warned_of(
    caplog: pytest.LogCaptureFixture, low: float, high: float, every: str
) -> None:
    warn_of_coarse_actions(spaces.Box(np.array([[-1, low]]), np.array([[1, high]]), dtype=np.float64))
    assert len(caplog.records) == bool(every)
    assert f"action[1] is between {low:.12g} and {high:.12g}" in caplog.text or not every
    assert f"a number every {every}:" in caplog.text or not every
