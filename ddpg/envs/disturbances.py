"""Disturbances between a policy and its environment, around `VectorEnv`."""

from collections import deque
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class ObsNoise(gymnasium.Wrapper[Array, Array, Array, Array]):
    """Adds normal noise to what the policy observes; the simulator goes on without it.

        obs + std * e,    e ~ N(0, 1) for each number and step

    The draws follow from the seed of `reset` alone: they are the same for every policy, and for noise of another size.
    Pictures are rounded to bytes again.

    Args:
        env: the environment.
        std: standard deviation of the noise, (obs_dim,), or one number for all.
    """

    def __init__(self, env: gymnasium.Env[Array, Array], std: Array) -> None:
        super().__init__(env)
        self._std = std
        self._rng = np.random.default_rng()

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Array, dict[str, Any]]:
        obs, info = self.env.reset(seed=seed, options=options)
        # a place of its own among the streams of the seed, which the simulator uses too
        self._rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
        return self._noisy(obs), info

    def step(self, action: Array) -> tuple[Array, Any, bool, bool, dict[str, Any]]:
        obs, reward, terminated, truncated, info = self.env.step(action)
        return self._noisy(obs), reward, terminated, truncated, info

    def _noisy(self, obs: Array) -> Array:
        noisy = obs + self._std * self._rng.standard_normal(obs.shape)
        if obs.dtype == np.uint8:
            noisy = np.clip(np.rint(noisy), 0, 255)
        return noisy.astype(obs.dtype)


class ActionDelay(gymnasium.Wrapper[Array, Array, Array, Array]):
    """Lets each action arrive `steps` env steps later.

    Until the first one arrives the environment gets 0, or the bound that is nearest to it.
    """

    def __init__(self, env: gymnasium.Env[Array, Array], steps: int) -> None:
        super().__init__(env)
        self._steps = steps
        self._on_the_way: deque[Array] = deque()

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Array, dict[str, Any]]:
        space = self.env.action_space
        assert isinstance(space, gymnasium.spaces.Box)
        idle = np.clip(np.zeros_like(space.low), space.low, space.high)
        self._on_the_way = deque([idle] * self._steps)
        return self.env.reset(seed=seed, options=options)

    def step(self, action: Array) -> tuple[Array, Any, bool, bool, dict[str, Any]]:
        self._on_the_way.append(action.copy())
        return self.env.step(self._on_the_way.popleft())
