"""Numbers in `info` become one number for each episode."""

import logging
from typing import Any

import numpy as np
import pytest
import torch
from support.envs import Toy, registered, spec_of

from ddpg.envs.info_metrics import EPISODE_METRICS, _warn_of_missing


class Informed(Toy):
    """Reaches its goal in an episode's third step of four, and says how far it is."""

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict]:
        self.steps = 0
        return super().reset(seed=seed)

    def step(self, action: np.ndarray) -> tuple[Any, Any, Any, Any, Any]:
        self.steps += 1
        obs, *others, _ = super().step(action)
        info = {
            "is_success": np.bool_(self.steps == 3),
            "far": np.array([4.0 - self.steps]),
            "held": torch.tensor([True]),
            "name": "toy",
            "odd": [[1], [1, 2]],
        }
        if self.steps == 1:
            info["early"] = 7
        others[1] = self.steps == 4
        return obs, *others, info


def episode_info(*overrides: str, env: type[Toy] = Informed) -> dict[str, Any]:
    registered(env)
    made = spec_of("gym", "env.id=TestOnly-v0", *overrides).make()
    made.reset(seed=0)
    made.step(made.action_space.low)  # of an episode that is left early
    made.reset(seed=0)
    over = False
    while not over:
        _, _, over, _, info = made.step(made.action_space.low)
        assert (EPISODE_METRICS in info) == over
    return info


@pytest.mark.parametrize(
    ("overrides", "metrics"),
    [
        ([], {"is_success": 0}),
        (["env.info_metrics.is_success=max"], {"is_success": 1}),
        (["+env.info_metrics.far=sum"], {"is_success": 0, "far": 6}),
        (["+env.info_metrics.far=mean"], {"is_success": 0, "far": 1.5}),
        (["+env.info_metrics.held=sum"], {"is_success": 0, "held": 4}),
        (["+env.info_metrics.early=last"], {"is_success": 0, "early": 7}),
        (["+env.info_metrics.far=sum", "env.action_repeat=2"], {"is_success": 0, "far": 6}),
    ],
)
def test_the_last_step_has_the_numbers_of_its_episode(overrides: list[str], metrics: dict[str, float]) -> None:
    assert episode_info(*overrides)[EPISODE_METRICS] == metrics


def test_a_name_that_is_not_there_is_said_once(caplog: pytest.LogCaptureFixture) -> None:
    _warn_of_missing.cache_clear()
    with caplog.at_level(logging.WARNING):
        info = episode_info("+env.info_metrics.fra=sum", "+env.info_metrics.name=last")
    assert info[EPISODE_METRICS] == {"is_success": 0}
    first, second = caplog.messages
    assert "env.info_metrics.fra" in first
    assert "far, held, is_success" in first
    assert "env.info_metrics.name" in second


@pytest.mark.parametrize("info", [None, {}])
def test_an_environment_without_info_has_none(info: Any, caplog: pytest.LogCaptureFixture) -> None:
    class Silent(Informed):
        def step(self, action: np.ndarray) -> tuple[Any, Any, Any, Any, Any]:
            return *super().step(action)[:4], info

    assert episode_info(env=Silent)[EPISODE_METRICS] == {}
    assert not caplog.messages
