"""Actions far from -1..1: a critic that sees them in half ranges learns which one is best."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from gymnasium import spaces
from omegaconf import DictConfig
from support.config_options import env_of

from ddpg.config.settings import check
from ddpg.learner.batch import Batch
from ddpg.run.build import build_agent

OBS = np.array([0.5, 1.0], np.float32)
SMALL = ("network.actor.hidden=[32,32]", "network.critic.hidden=[32,32]")


def best_action(cfg: DictConfig, low: float, high: float) -> float:
    """Learn a bandit from uniform actions, and return the actor's action in half ranges.

    The reward of the action u is -(u - 0.5)^2, and every episode ends after it.
    """
    bounds = spaces.Box(np.array([low], np.float32), np.array([high], np.float32))
    agent = build_agent(cfg, env_of(spaces.Box(-1, 1, (2,)), bounds), torch.device("cpu"))
    rng = torch.Generator().manual_seed(1)
    obs = torch.from_numpy(OBS).expand(64, 2)
    for _ in range(400):
        u = 2 * torch.rand(64, 1, generator=rng) - 1
        action = (low + high) / 2 + (high - low) / 2 * u
        reward = -((u[:, 0] - 0.5) ** 2)
        agent.update(Batch(obs, action, reward, obs, torch.ones(64), torch.full((64,), 0.99)))
    return float((agent.act(OBS)[0] - (low + high) / 2) / ((high - low) / 2))


@pytest.mark.parametrize(("low", "high"), [(-1e-6, 1e-6), (1000.0, 1000.5)])
def test_best_action_is_found(compose: Callable[..., DictConfig], low: float, high: float) -> None:
    """Without scaled_actions the actor ends at 1.0 and at -0.5 here."""
    rates = ("optimizer.actor.lr=1e-3", "optimizer.critic.lr=1e-2")
    cfg = check(compose("preset=td3", "network.critic.scaled_actions=true", *SMALL, *rates))
    assert best_action(cfg, low, high) == pytest.approx(0.5, abs=0.2)
