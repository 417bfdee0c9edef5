"""Exploration noise: what is added to the actor's action while training, never while evaluating."""

from typing import Any, Protocol

import numpy as np

from ddpg.types import NonNegative, Positive


class Noise(Protocol):
    """N_t of Algorithm 1. An own class needs these methods; its YAML names it in `_target_`."""

    def reset(self) -> None:
        """Called at the start of every episode (Algorithm 1, line 5)."""

    def __call__(self) -> np.ndarray:
        """The noise of this step, shape (action_dim,), in the environment's action units."""

    def state_dict(self) -> dict[str, Any]:
        """What the process remembers beside its generator: numbers, texts, lists, dicts, tensors."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave."""


class NoNoise:
    """No exploration but the warm-up: a baseline."""

    def __init__(self, action_scale: np.ndarray, rng: np.random.Generator) -> None:
        self._zero = np.zeros_like(action_scale)

    def reset(self) -> None:
        pass

    def __call__(self) -> np.ndarray:
        return self._zero

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        pass


class Gaussian(NoNoise):
    """N(0, sigma^2), independent in every step and dimension (Fujimoto et al. 2018, section 6.1).

    `sigma` is a fraction of half the action range if `scaled`, else in the environment's action units.
    """

    def __init__(self, sigma: NonNegative, scaled: bool, action_scale: np.ndarray, rng: np.random.Generator) -> None:
        self._std = sigma * (action_scale if scaled else np.ones_like(action_scale))
        self._rng = rng

    def __call__(self) -> np.ndarray:
        return self._std * self._rng.standard_normal(self._std.shape)


class OrnsteinUhlenbeck:
    """x <- x - theta x dt + sigma sqrt(dt) N(0, 1): temporally correlated noise (paper, section 3 and 7).

    Correlated over 1 / (theta dt) steps, standard deviation about sigma / sqrt(2 theta). The paper does not state
    dt: with 1 the memory is 7 steps, with 0.01 (Baselines, SB3, Keras) 667 steps. `reset` begins every episode at 0.
    """

    def __init__(
        self, theta: NonNegative, sigma: NonNegative, dt: Positive, reset: bool, scaled: bool,
        action_scale: np.ndarray, rng: np.random.Generator,
    ) -> None:  # fmt: skip
        self._theta, self._sigma, self._dt, self._resets = theta, sigma, dt, reset
        self._scale = action_scale if scaled else np.ones_like(action_scale)
        self._rng = rng
        self._x = np.zeros(action_scale.shape)

    def reset(self) -> None:
        if self._resets:
            self._x = np.zeros_like(self._x)

    def __call__(self) -> np.ndarray:
        drift = -self._theta * self._dt * self._x
        self._x = self._x + drift + self._sigma * self._dt**0.5 * self._rng.standard_normal(self._x.shape)
        return self._scale * self._x

    def state_dict(self) -> dict[str, Any]:
        return {"x": self._x.tolist()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._x = np.array(state["x"])
