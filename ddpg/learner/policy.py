"""Actors as functions of arrays: from one observation to one action."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn


@torch.inference_mode()
def act(actor: nn.Module, obs: np.ndarray) -> np.ndarray:
    """Return the actor's action for one observation, (*obs_shape) -> (action_dim,), float32."""
    return as_action(actor(as_input(actor, obs).unsqueeze(0)))


@torch.inference_mode()
def sample(actor: Any, obs: np.ndarray, noise: Tensor) -> np.ndarray:
    """Return the action that a stochastic actor makes of noise: (action_dim,), float32.

    Its method `sample` maps observations and noise to actions and their log probabilities.
    """
    action, _ = actor.sample(as_input(actor, obs).unsqueeze(0), noise.unsqueeze(0))
    return as_action(action)


def as_input(network: nn.Module, array: np.ndarray) -> Tensor:
    """Move an array to the network's device and precision; pixels stay bytes."""
    like = next(network.parameters())
    tensor = torch.as_tensor(array).to(like.device, non_blocking=like.is_cuda)
    return tensor.to(like.dtype) if tensor.is_floating_point() else tensor


def as_action(batch: Tensor) -> np.ndarray:
    """Drop the batch dimension of an action: (1, action_dim) -> (action_dim,), float32."""
    return batch.squeeze(0).float().cpu().numpy()
