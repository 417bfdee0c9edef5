"""Minibatches, by hand and drawn."""

import torch

from ddpg.learner.batch import Batch


def batch_of(
    obs: list[float],
    action: list[float],
    reward: list[float],
    next_obs: list[float],
    terminated: list[float],
    gamma: float = 0.9,
) -> Batch:
    """Make a minibatch of observations and actions of one number each."""
    column = [torch.tensor(x, dtype=torch.float32).reshape(-1, 1) for x in (obs, action, next_obs)]
    flat = [torch.tensor(x, dtype=torch.float32) for x in (reward, terminated)]
    return Batch(column[0], column[1], flat[0], column[2], flat[1], torch.full_like(flat[0], gamma))


def random_batch(seed: int = 0, size: int = 16) -> Batch:
    """Draw a minibatch of observations of three numbers and actions of two."""
    rng = torch.Generator().manual_seed(seed)
    parts = [torch.randn(shape, generator=rng) for shape in ((size, 3), (size, 2), (size,), (size, 3))]
    return Batch(*parts, (torch.rand(size, generator=rng) < 0.3).float(), torch.full((size,), 0.9))


#: Two transitions, the second of which terminates.
TWO = batch_of(obs=[1, 2], action=[0.5, -1], reward=[1, 0], next_obs=[2, 1], terminated=[0, 1])
