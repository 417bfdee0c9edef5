"""Several critics as one module."""

from collections.abc import Sequence

from torch import Tensor, nn


class Ensemble(nn.Module):
    """Critics with independent weights.

    They map observations (B, *obs_shape) and actions (B, action_dim) to a list with one output for
    each critic, (B,) or (B, outputs).
    """

    def __init__(self, critics: Sequence[nn.Module]) -> None:
        super().__init__()
        self.critics = nn.ModuleList(critics)

    def forward(self, obs: Tensor, action: Tensor) -> list[Tensor]:
        return [critic(obs, action) for critic in self.critics]
