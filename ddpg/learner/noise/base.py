"""What the trainer asks of a noise."""

from typing import Any

import numpy as np

from ddpg.learner.batch import Batch


class Noise:
    """N_t of Algorithm 1, which is added to the agent's action while training and never elsewhere.

    A class of a user derives from it, gives the noise in `__call__`, and overrides of the other
    methods what it needs. Its constructor may ask for `action_scale` (half the action range,
    (action_dim,)), `rng` (its own generator) and `actor` (the network that acts).
    """

    def reset(self) -> None:
        """Begin an episode (Algorithm 1, line 5)."""

    def __call__(self, obs: np.ndarray, env_step: int) -> np.ndarray:
        """Give the noise of this step, (action_dim,), in the environment's action units."""
        raise NotImplementedError

    def after_update(self, batch: Batch) -> dict[str, float]:
        """Follow an update of the agent by this minibatch; give what is to be logged."""
        return {}

    def state_dict(self) -> dict[str, Any]:
        """Give what the noise carries from one episode to the next, beside its generator.

        Numbers, texts, lists, dicts and tensors can be stored.
        """
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take back what `state_dict` gave."""
