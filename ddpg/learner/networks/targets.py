"""Target networks, which follow the learned ones slowly (paper, section 3)."""

import torch
from torch import Tensor, nn


class Targets:
    """Networks and the targets that follow them.

    The lists of parameters are made once, because making them takes longer than following.
    """

    def __init__(self, online: nn.Module, target: nn.Module) -> None:
        self._online: list[Tensor] = list(online.parameters())
        self._target: list[Tensor] = list(target.parameters())
        self._online_buffers = list(online.buffers())
        self._target_buffers = list(target.buffers())

    @torch.no_grad()
    def follow(self, tau: float) -> None:
        """Move the targets: theta' <- tau theta + (1 - tau) theta' (line 15 of Algorithm 1)."""
        torch._foreach_lerp_(self._target, self._online, tau)
        if self._online_buffers:
            # they are copied: statistics, which are averages already, and bounds, which stay
            torch._foreach_copy_(self._target_buffers, self._online_buffers)
