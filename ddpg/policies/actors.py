"""Actors of torch as policies."""

import numpy as np
import torch
from torch import Tensor, nn

from ddpg.policies.description import Description
from ddpg.policies.policy import Policy


class Deployed(nn.Module):
    """An actor with all that lies between it and the environment.

    It maps observations as `ddpg.envs.VectorEnv` gives them, (B, *obs_shape), to actions as that takes them,
    (B, action_dim), float32. Normalization and scaling are inside the actor; here the number format is changed, and
    actions are clipped to the bounds, which rounding may pass by a bit. The actor is never trained from then on.
    """

    low: Tensor
    high: Tensor

    def __init__(self, actor: nn.Module, description: Description) -> None:
        super().__init__()
        low, high = description.action.bounds()
        self.actor = actor.eval().requires_grad_(False)
        self.dtype: torch.dtype = getattr(torch, description.network.dtype)
        self.register_buffer("low", torch.from_numpy(low))
        self.register_buffer("high", torch.from_numpy(high))

    def forward(self, obs: Tensor) -> Tensor:
        own = obs.to(self.dtype) if obs.is_floating_point() else obs
        action = self.actor(own).float()
        return torch.minimum(torch.maximum(action, self.low), self.high)


def policy_of(actor: nn.Module, description: Description, format: str) -> Policy:
    """Make a policy of an actor."""
    return torch_policy(Deployed(actor, description), description, format)


def torch_policy(deployed: nn.Module, description: Description, format: str) -> Policy:
    """Make a policy of a module that maps observations to actions as `Deployed` does."""

    @torch.inference_mode()
    def compute(batch: np.ndarray) -> np.ndarray:
        return deployed(torch.from_numpy(batch)).numpy()

    return Policy(description, format, compute)
