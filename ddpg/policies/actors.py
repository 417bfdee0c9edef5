"""Actors of torch as policies."""

import numpy as np
import torch
from torch import Tensor, nn

from ddpg.policies.description import Description
from ddpg.policies.policy import Policy


class Deployed(nn.Module):
    """An actor with all that lies between it and the environment.

    It maps observations as the environment gives them, (B, *obs_shape), to actions as the environment takes them,
    (B, action_dim), float32. Normalization and scaling are inside the actor; here the number format is changed, and
    actions are clipped to the bounds, which rounding may pass by a bit.
    """

    low: Tensor
    high: Tensor

    def __init__(self, actor: nn.Module, description: Description) -> None:
        super().__init__()
        low, high = description.action.bounds()
        self.actor = actor
        self.dtype: torch.dtype = getattr(torch, description.network.dtype)
        self.register_buffer("low", torch.from_numpy(low))
        self.register_buffer("high", torch.from_numpy(high))

    def forward(self, obs: Tensor) -> Tensor:
        own = obs.to(self.dtype) if obs.is_floating_point() else obs
        action = self.actor(own).float()
        return torch.minimum(torch.maximum(action, self.low), self.high)


def policy_of(actor: nn.Module, description: Description, format: str) -> Policy:
    """Make a policy of an actor, which is evaluated as it is from now on and never trained."""
    return torch_policy(Deployed(actor.eval().requires_grad_(False), description), description, format)


def torch_policy(deployed: nn.Module, description: Description, format: str) -> Policy:
    """Make a policy of a module that maps observations to actions as `Deployed` does."""

    @torch.inference_mode()
    def compute(batch: np.ndarray) -> np.ndarray:
        return deployed(torch.from_numpy(batch)).numpy()

    return Policy(description, format, compute)
