"""Several critics as one module."""

from collections.abc import Sequence

from torch import Tensor, nn


class Ensemble(nn.Module):
    """Critics with weights of their own: (B, *obs_shape), (B, action_dim) to one output of each."""

    def __init__(self, critics: Sequence[nn.Module]) -> None:
        super().__init__()
        self.critics = nn.ModuleList(critics)

    def forward(self, obs: Tensor, action: Tensor) -> list[Tensor]:
        return [critic(obs, action) for critic in self.critics]
