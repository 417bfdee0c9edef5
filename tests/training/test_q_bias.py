"""The bias of Q against what theory says, and that looking changes nothing."""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from support import toys
from support.agents import agent_of

from ddpg.training.evaluate import evaluate
from ddpg.training.q_bias import QBias

GAMMA = 0.9


class Chain(gymnasium.Env):
    """Reward 1 + t at step t for `length` steps; obs: [t]. Ends by `terminated` or by truncation."""

    observation_space: Any = spaces.Box(-np.inf, np.inf, (1,), np.float32)
    action_space: Any = spaces.Box(-1.0, 1.0, (1,), np.float32)

    def __init__(self, length: int, terminates: bool) -> None:
        self.length, self.terminates = length, terminates

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict]:
        self.t = 0
        return np.zeros(1, np.float32), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        self.t += 1
        over = self.t == self.length
        return np.full(1, self.t, np.float32), float(self.t), over and self.terminates, over and not self.terminates, {}


def still(obs: np.ndarray) -> np.ndarray:
    return np.zeros(1, np.float32)


def value(t: float, length: float = np.inf) -> float:
    """sum_{k >= t} gamma^(k - t) (1 + k) up to `length`, by its closed form."""
    whole = (1 + t) / (1 - GAMMA) + GAMMA / (1 - GAMMA) ** 2
    return whole - (GAMMA ** (length - t) * value(length) if np.isfinite(length) else 0.0)


def critic(offset: float = 0.0, length: float = np.inf) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """The exact Q of a Chain, and a constant error."""

    def values(obs: np.ndarray, action: np.ndarray) -> np.ndarray:
        assert obs.shape == action.shape == (len(obs), 1)
        return np.array([value(float(t), length) + offset for t in obs[:, 0]])

    return values


def bias_of(values: Any, length: int, terminates: bool, stride: int = 1, episodes: int = 1, **changes: Any) -> Any:
    q_bias = QBias(values, still, **({"gamma": GAMMA, "reward_scale": 1.0, "stride": stride} | changes))
    evaluate(still, Chain(length, terminates), range(episodes), on_transition=q_bias)
    return {name.removeprefix("diagnostics/"): number for name, number in q_bias.metrics().items()}


@pytest.mark.parametrize("stride", [1, 4])
@pytest.mark.parametrize("terminates", [True, False])
def test_an_exact_critic_has_no_bias(terminates: bool, stride: int) -> None:
    """A terminated episode has no remainder; of a truncated one the critic knows the endless rest."""
    length = 10 if terminates else np.inf
    metrics = bias_of(critic(0.0, length), 10, terminates, stride, episodes=2)
    times = range(0, 10, stride)
    expected = {"q_value": np.mean([value(t, length) for t in times]), "q_bias": 0.0, "q_bias_std": 0.0}
    seen = 1.0 if terminates else 1 - np.mean([GAMMA ** (10 - t) for t in times])
    assert metrics == pytest.approx(expected | {"q_seen": seen}, abs=1e-9)


def test_a_critic_that_ignores_termination_is_biased_by_the_endless_rest() -> None:
    metrics = bias_of(critic(), 10, terminates=True)
    assert metrics["q_bias"] == pytest.approx(np.mean([GAMMA ** (10 - t) * value(10) for t in range(10)]))


def test_a_constant_error_is_the_bias() -> None:
    metrics = bias_of(critic(2.5, 10), 10, terminates=True)
    assert metrics["q_bias"] == pytest.approx(2.5)
    assert metrics["q_bias_std"] == pytest.approx(0.0, abs=1e-9)


def test_of_a_constant_error_the_part_that_was_seen_shows_at_a_time_limit() -> None:
    metrics = bias_of(critic(2.5), 10, terminates=False)
    assert metrics["q_bias"] == pytest.approx(2.5 * metrics["q_seen"])
    assert 0 < metrics["q_seen"] < 1


def test_bias_is_in_the_units_that_the_critic_learns() -> None:
    def scaled(obs: np.ndarray, action: np.ndarray) -> np.ndarray:
        return 0.1 * critic()(obs, action) + 1.0

    metrics = bias_of(scaled, 400, terminates=False, reward_scale=0.1)
    assert metrics["q_bias"] == pytest.approx(metrics["q_seen"])


def test_an_agent_has_the_units_of_its_own_rewards() -> None:
    """Q(s, a) = s + 2 a is 0 where the episode ends with a reward of 1, which this agent learns as 0.1."""
    q_bias = QBias.of(agent_of(reward_scale=0.1), GAMMA)
    q_bias(np.zeros(1, np.float32), np.zeros(1, np.float32), 1.0, True, True, np.ones(1, np.float32))
    assert q_bias.metrics()["diagnostics/q_bias"] == pytest.approx(-0.1)


def test_the_rest_is_valued_under_the_policy() -> None:
    """Q(s, a) = a_t: the last state's action, not the last executed one, gives the rest."""
    q_bias = QBias(lambda obs, action: action[:, 0], lambda obs: np.full(1, 7.0), GAMMA, 1.0, stride=1)
    q_bias(np.zeros(1), np.full(1, 2.0), 1.0, False, True, np.ones(1))
    assert q_bias.metrics()["diagnostics/q_bias"] == pytest.approx(2 - (1 + GAMMA * 7))


def test_observations_that_change_in_place_are_copied() -> None:
    q_bias = QBias(lambda obs, action: obs[:, 0] + action[:, 0], still, GAMMA, 1.0, stride=1)
    obs, action = np.ones(1), np.ones(1)
    q_bias(obs, action, 0.0, False, False, obs)
    obs += 10
    action += 10
    q_bias(obs, action, 0.0, True, True, obs)
    assert q_bias.metrics()["diagnostics/q_value"] == pytest.approx((2 + 22) / 2)


def test_no_episode_no_bias() -> None:
    q_bias = QBias(critic(), still, GAMMA, 1.0, stride=1)
    assert q_bias.metrics() == {}
    q_bias(np.zeros(1), np.zeros(1), 1.0, False, False, np.ones(1))
    assert q_bias.metrics() == {}


def test_measuring_does_not_change_an_evaluation() -> None:
    def forward(obs: np.ndarray) -> np.ndarray:
        return np.tanh(obs[:2])

    q_bias = QBias(lambda obs, action: obs[:, 2], forward, GAMMA, 1.0, stride=3)
    plain = evaluate(forward, toys.Walk(), [1, 2])
    watched = evaluate(forward, toys.Walk(), [1, 2], on_transition=q_bias)
    assert plain.returns.tolist() == watched.returns.tolist()
    assert q_bias.metrics()
