"""What the trainer asks of a noise."""

from typing import Any, Protocol

import numpy as np

from ddpg.learner.replay import Batch


class Noise(Protocol):
    """N_t of Algorithm 1. An own class needs these methods; its YAML names it in `_target_`."""

    def reset(self) -> None:
        """Called at the start of every episode (Algorithm 1, line 5)."""

    def __call__(self, obs: np.ndarray, env_step: int) -> np.ndarray:
        """The noise of this step, shape (action_dim,), in the environment's action units."""

    def after_update(self, batch: Batch) -> dict[str, float]:
        """Called after every update of the agent with its minibatch. Returns what is to be logged."""

    def state_dict(self) -> dict[str, Any]:
        """What it carries from one episode to the next, beside its generator: numbers, texts, lists, dicts, tensors."""

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
