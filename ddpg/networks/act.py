"""From one observation to one action."""

import numpy as np
import torch
from torch import nn


@torch.inference_mode()
def act(actor: nn.Module, obs: np.ndarray) -> np.ndarray:
    """One observation of shape obs_shape to the actor's action (action_dim,), float32."""
    like = next(actor.parameters())
    batch = torch.as_tensor(obs, device=like.device).unsqueeze(0)
    batch = batch.to(like.dtype) if batch.is_floating_point() else batch  # pixels are bytes
    return actor(batch).squeeze(0).float().cpu().numpy()
