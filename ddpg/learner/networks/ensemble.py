"""Several critics as one."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Ensemble(nn.Module):
    """Critics with weights of their own, side by side: (B, *obs_shape), (B, action_dim) to values (n, B)."""

    def __init__(self, critics: Sequence[nn.Module]) -> None:
        super().__init__()
        self.critics = nn.ModuleList(critics)

    def forward(self, obs: Tensor, action: Tensor) -> Tensor:
        values = [critic(obs, action) for critic in self.critics]
        return torch.stack(values) if len(values) > 1 else values[0].unsqueeze(0)  # a view: one critic costs nothing
