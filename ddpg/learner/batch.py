"""The minibatch, which the replay buffer samples and the agent learns from."""

from typing import NamedTuple

from torch import Tensor


class Batch(NamedTuple):
    """A minibatch of N transitions: obs (N, *obs_shape), action (N, action_dim), the others (N,).

    Over n steps `reward` is r_1 + gamma r_2 + ..., `discount` is gamma to the number of steps, and
    `next_obs` and `terminated` are those of the last step. `weight` corrects for sampling that is
    not uniform; None means that it was uniform. The next minibatch may overwrite these tensors.
    """

    obs: Tensor
    action: Tensor
    reward: Tensor
    next_obs: Tensor
    terminated: Tensor
    discount: Tensor
    weight: Tensor | None = None
