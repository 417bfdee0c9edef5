"""Noise on observations follows from the seed alone; delayed actions arrive late."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from ddpg.envs import ActionDelay, ObsNoise


class Echo(gymnasium.Env[Any, Any]):
    """Observes the action that it got, and zeros at first."""

    action_space: Any = spaces.Box(np.array([-1.0, 2.0], np.float32), np.array([1.0, 3.0], np.float32))

    def __init__(self, dtype: type = np.float32) -> None:
        self.dtype = dtype
        self.observation_space: Any = spaces.Box(0, 255, (2,), dtype)  # type: ignore[arg-type]

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        return np.zeros(2, self.dtype), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        return action.astype(self.dtype), 0.0, False, False, {}


def observed(env: gymnasium.Env[Any, Any], seed: int) -> np.ndarray:
    """An observation of a reset and two of steps, with the action (1, 2)."""
    action = np.array([1, 2], np.float32)
    return np.array([env.reset(seed=seed)[0], env.step(action)[0], env.step(action)[0]])


def test_noise_is_the_same_draw_at_every_size_and_in_every_episode_of_a_seed() -> None:
    clean = observed(Echo(), 1)
    env = ObsNoise(Echo(), np.array([0.5, 0.0]))
    first = observed(env, 1) - clean
    assert first.dtype == np.float32
    assert (first[:, 1] == 0).all()
    assert len(np.unique(first[:, 0])) == 3
    np.testing.assert_array_equal(observed(env, 1) - clean, first)
    larger = observed(ObsNoise(Echo(), np.array([2.0, 0.0])), 1) - clean
    np.testing.assert_allclose(larger, 4 * first, rtol=1e-5)
    assert not np.allclose(observed(env, 2) - clean, first)


def test_noise_has_its_standard_deviation() -> None:
    env = ObsNoise(Echo(), np.array([0.5, 3.0]))
    env.reset(seed=3)
    draws = np.array([env.step(np.zeros(2, np.float32))[0] for _ in range(2000)])
    np.testing.assert_allclose(draws.std(axis=0), [0.5, 3.0], rtol=0.05)
    np.testing.assert_allclose(draws.mean(axis=0), 0, atol=0.2)


def test_noisy_pictures_stay_bytes() -> None:
    pictures = observed(ObsNoise(Echo(np.uint8), np.array([300.0])), 1)
    assert pictures.dtype == np.uint8
    assert {0, 255} <= set(pictures.ravel())


def test_actions_arrive_late_and_nothing_of_the_episode_before() -> None:
    env = ActionDelay(Echo(), 2)
    for _ in range(2):
        env.reset(seed=0)
        actions = [np.array([number / 10, 3], np.float32) for number in range(4)]
        arrived = [env.step(action)[0] for action in actions]
        np.testing.assert_array_equal(arrived, [[0, 2], [0, 2], actions[0], actions[1]])
