"""Noise that does not depend on the observation."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ddpg.learner.noise.base import Noise
from ddpg.ranges import NonNegative, Positive, PositiveInt

#: The number of steps whose normal draws are made at once.
AHEAD = 100


class NoNoise(Noise):
    """No noise: nothing explores but the random steps at the start. A baseline."""

    def __init__(self, action_scale: np.ndarray) -> None:
        self._zero = np.zeros_like(action_scale)

    def __call__(self, obs: np.ndarray, env_step: int) -> np.ndarray:
        return self._zero


class Gaussian(Noise):
    """N(0, sigma^2), independent in every step and dimension (TD3, section 6.1).

    `sigma` moves linearly to `final_sigma` over the run's first `anneal_steps` env steps. Both are
    fractions of half the action range if `scaled`, else in the environment's action units.
    """

    def __init__(
        self,
        sigma: NonNegative,
        final_sigma: NonNegative,
        anneal_steps: PositiveInt,
        scaled: bool,
        action_scale: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        self._normals = Normals(rng, action_scale.shape)
        self._sigma = Linear(sigma, final_sigma, anneal_steps)
        self._scale = action_scale if scaled else np.ones_like(action_scale)
        # kept from step to step, because most steps have the sigma of the step before
        self._last_sigma = math.nan
        self._std = self._scale

    def reset(self) -> None:
        self._normals.drop()

    def __call__(self, obs: np.ndarray, env_step: int) -> np.ndarray:
        sigma = self._sigma(env_step)
        if sigma != self._last_sigma:
            self._last_sigma = sigma
            self._std = (sigma * self._scale).astype(np.float64)
        return self._std * self._normals()


class OrnsteinUhlenbeck(Noise):
    """Correlated noise: x <- x - theta x dt + sigma sqrt(dt) N(0, 1) (paper, sections 3 and 7).

    It remembers about 1 / (theta dt) steps, and its standard deviation approaches
    sigma / sqrt(theta (2 - theta dt)). The paper does not state dt: with 1 it remembers 7 steps,
    with 0.01 (Baselines, SB3, Keras) 667. With `reset`, every episode begins at 0. `sigma` moves
    linearly to `final_sigma` over the run's first `anneal_steps` env steps. The noise is in units
    of half the action range if `scaled`, else in the environment's action units.
    """

    def __init__(
        self,
        theta: NonNegative,
        sigma: NonNegative,
        final_sigma: NonNegative,
        anneal_steps: PositiveInt,
        dt: Positive,
        reset: bool,
        scaled: bool,
        action_scale: np.ndarray,
        rng: np.random.Generator,
    ) -> None:
        self._normals = Normals(rng, action_scale.shape)
        self._theta = theta
        self._dt = dt
        self._resets = reset
        self._sigma = Linear(sigma, final_sigma, anneal_steps)
        self._scale = action_scale if scaled else np.ones_like(action_scale)
        self._x = np.zeros(action_scale.shape)

    def reset(self) -> None:
        self._normals.drop()
        if self._resets:
            self._x = np.zeros_like(self._x)

    def __call__(self, obs: np.ndarray, env_step: int) -> np.ndarray:
        drift = -self._theta * self._dt * self._x
        push = self._sigma(env_step) * self._dt**0.5 * self._normals()
        self._x = self._x + drift + push
        return self._scale * self._x

    def state_dict(self) -> dict[str, Any]:
        return {"x": self._x.tolist()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._x = np.array(state["x"])


class Normals:
    """Draws from N(0, 1) of one shape, made AHEAD at a time.

    After an update, which has emptied the caches, a hundred draws take about as long as one. `drop`
    discards the unused ones when an episode begins, so that the generator's state is all that a run
    needs to resume.
    """

    def __init__(self, rng: np.random.Generator, shape: tuple[int, ...]) -> None:
        self._rng = rng
        self._shape = shape
        self._ahead: Iterator[np.ndarray] = iter(())

    def __call__(self) -> np.ndarray:
        draw = next(self._ahead, None)
        if draw is None:
            self._ahead = iter(self._rng.standard_normal((AHEAD, *self._shape)))
            draw = next(self._ahead)
        return draw

    def drop(self) -> None:
        """Discard the draws that were made ahead."""
        self._ahead = iter(())


class Linear:
    """A value that moves from `start` to `end` over `steps` env steps, and stays there."""

    def __init__(self, start: float, end: float, steps: int) -> None:
        self._start = start
        self._end = end
        self._steps = steps

    def __call__(self, env_step: int) -> float:
        part = min(1.0, env_step / self._steps)
        return self._start + part * (self._end - self._start)
