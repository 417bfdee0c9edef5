"""From arrays to networks: one observation to one action."""

import numpy as np
import torch
from torch import Tensor, nn


@torch.inference_mode()
def act(actor: nn.Module, obs: np.ndarray) -> np.ndarray:
    """One observation of shape obs_shape to the actor's action (action_dim,), float32."""
    return actor(as_input(actor, obs).unsqueeze(0)).squeeze(0).float().cpu().numpy()


def as_input(network: nn.Module, array: np.ndarray) -> Tensor:
    """The array where the network is, in its precision; pixels stay bytes."""
    like = next(network.parameters())
    tensor = torch.as_tensor(array, device=like.device)
    return tensor.to(like.dtype) if tensor.is_floating_point() else tensor
