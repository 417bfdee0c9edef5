"""The interface of a noise to the trainer, with defaults that do nothing."""

from abc import abstractmethod
from typing import Any

import numpy as np

from ddpg.learner.batch import Batch


class Noise:
    """N_t of Algorithm 1, which is added to the agent's action while training and never elsewhere.

    A user's class derives from it, computes the noise in `__call__`, and overrides the other
    methods where it needs to. A method with almost the name of one of these is refused. Its
    constructor may ask for `action_scale` (half the action range, (action_dim,)), `rng` (a
    generator for this noise alone) and `actor` (the network that acts).
    """

    def reset(self) -> None:
        """Begin an episode (Algorithm 1, line 5)."""

    @abstractmethod
    def __call__(self, obs: np.ndarray, env_step: int) -> np.ndarray:
        """Return the noise of this step, (action_dim,), in the environment's action units."""

    def after_update(self, batch: Batch) -> dict[str, float]:
        """Adapt to the agent after its update from this minibatch; return metrics to be logged."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Return the state that goes from one episode to the next, without the generator's.

        Numbers, texts, lists, dicts and tensors can be stored.
        """
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state that `state_dict` returned."""
