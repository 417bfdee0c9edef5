"""Noise that is added to the action, whatever the observation."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
from torch import nn

from ddpg.learner.replay import Batch
from ddpg.ranges import NonNegative, Positive, PositiveInt

#: Draws that are made at a time.
AHEAD = 100


class NoNoise:
    """No exploration but the warm-up: a baseline. The other classes here start from its empty answers."""

    def __init__(self, actor: nn.Module, action_scale: np.ndarray, rng: np.random.Generator) -> None:
        self._zero = np.zeros_like(action_scale)
        self._rng = rng

    def reset(self) -> None:
        pass

    def __call__(self, obs: np.ndarray, env_step: int) -> np.ndarray:
        return self._zero

    def after_update(self, batch: Batch) -> dict[str, float]:
        return {}

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


class Gaussian(NoNoise):
    """N(0, sigma^2), independent in every step and dimension (Fujimoto et al. 2018, section 6.1).

    `sigma` moves linearly to `final_sigma` over the run's first `anneal_steps` env steps. Both are fractions of half
    the action range if `scaled`, else in the environment's action units.
    """

    def __init__(
        self, sigma: NonNegative, final_sigma: NonNegative, anneal_steps: PositiveInt, scaled: bool,
        actor: nn.Module, action_scale: np.ndarray, rng: np.random.Generator,
    ) -> None:  # fmt: skip
        super().__init__(actor, action_scale, rng)
        self._normals = Normals(rng, action_scale.shape)
        self._sigma = Linear(sigma, final_sigma, anneal_steps)
        self._scale = action_scale if scaled else np.ones_like(action_scale)
        self._std = (math.nan, self._scale)  # the last sigma, also in action units: most are that of the step before

    def reset(self) -> None:
        self._normals.drop()

    def __call__(self, obs: np.ndarray, env_step: int) -> np.ndarray:
        sigma = self._sigma(env_step)
        if sigma != self._std[0]:
            self._std = sigma, (sigma * self._scale).astype(np.float64)  # as the draws: nothing to convert
        return self._std[1] * self._normals()


class OrnsteinUhlenbeck(NoNoise):
    """x <- x - theta x dt + sigma sqrt(dt) N(0, 1): temporally correlated noise (paper, section 3 and 7).

    Correlated over 1 / (theta dt) steps, standard deviation about sigma / sqrt(2 theta). The paper does not state
    dt: with 1 the memory is 7 steps, with 0.01 (Baselines, SB3, Keras) 667 steps. `reset` begins every episode at 0.
    `sigma` moves linearly to `final_sigma` over the run's first `anneal_steps` env steps.
    """

    def __init__(
        self, theta: NonNegative, sigma: NonNegative, final_sigma: NonNegative, anneal_steps: PositiveInt, dt: Positive,
        reset: bool, scaled: bool, actor: nn.Module, action_scale: np.ndarray, rng: np.random.Generator,
    ) -> None:  # fmt: skip
        super().__init__(actor, action_scale, rng)
        self._normals = Normals(rng, action_scale.shape)
        self._theta, self._dt, self._resets = theta, dt, reset
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
    """Draws from N(0, 1), of one shape, made AHEAD at a time.

    After an update, which has emptied the caches, a hundred take about as long as one. `drop` discards the unused ones
    at an episode's start, so that the generator's state is all that a run needs to resume.
    """

    def __init__(self, rng: np.random.Generator, shape: tuple[int, ...]) -> None:
        self._rng, self._shape = rng, shape
        self._ahead: Iterator[np.ndarray] = iter(())

    def __call__(self) -> np.ndarray:
        draw = next(self._ahead, None)
        if draw is None:
            self._ahead = iter(self._rng.standard_normal((AHEAD, *self._shape)))
            draw = next(self._ahead)
        return draw

    def drop(self) -> None:
        self._ahead = iter(())


class Linear:
    """From `start` to `end` over `steps` env steps, and `end` ever after."""

    def __init__(self, start: float, end: float, steps: int) -> None:
        self._start, self._end, self._steps = start, end, steps

    def __call__(self, env_step: int) -> float:
        return self._start + min(1.0, env_step / self._steps) * (self._end - self._start)
