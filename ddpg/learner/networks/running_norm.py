"""Observations scaled by what has been seen of them, as in OpenAI Baselines."""

import copy
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

from ddpg.ranges import Positive

Network = TypeVar("Network", bound=nn.Module)

#: Smallest variance that is divided by; Baselines, common/mpi_running_mean_std.py.
MIN_VARIANCE = 1e-2


class RunningNorm(nn.Module):
    """(obs - mean) / std, clipped to +-clip: running statistics of all observations so far (Welford 1962)."""

    mean: Tensor
    squares: Tensor
    count: Tensor

    def __init__(self, obs_shape: Sequence[int], clip: Positive) -> None:
        super().__init__()
        if len(obs_shape) != 1:
            raise ValueError(
                f"normalize_obs={clip} is for vectors of numbers, and pixels are scaled already: "
                "write network.normalize_obs=null"
            )
        self.clip = clip
        # in float64: in float32 a count ends at 2^24, and small deviations from a large mean are lost
        self.register_buffer("mean", torch.zeros(obs_shape, dtype=torch.float64))
        self.register_buffer("squares", torch.zeros(obs_shape, dtype=torch.float64))  # of deviations from the mean
        self.register_buffer("count", torch.zeros((), dtype=torch.float64))

    @torch.no_grad()
    def observe(self, obs: Tensor) -> None:
        """Learns from one observation, of shape obs_shape."""
        deviation = obs - self.mean
        self.count += 1
        self.mean += deviation / self.count
        self.squares += deviation * (obs - self.mean)

    def forward(self, obs: Tensor) -> Tensor:
        variance = (self.squares / self.count.clamp(min=1)).clamp(min=MIN_VARIANCE)
        return ((obs - self.mean) / variance.sqrt()).clamp(-self.clip, self.clip).to(obs.dtype)


class Normalized(nn.Module):
    """A network that sees normalized observations."""

    def __init__(self, norm: RunningNorm, network: nn.Module) -> None:
        super().__init__()
        self.norm, self.network = norm, network

    def forward(self, obs: Tensor, *action: Tensor) -> Tensor:
        return self.network(self.norm(obs), *action)


def running_norms(*networks: nn.Module) -> list[RunningNorm]:
    """The normalizers in some networks, each once however many networks share it."""
    modules = (module for network in networks for module in network.modules())
    return list({id(m): m for m in modules if isinstance(m, RunningNorm)}.values())


def copy_of(network: Network) -> Network:
    """A copy with weights of its own. What is known of the observations is shared, for it is nothing to be learned."""
    return copy.deepcopy(network, {id(norm): norm for norm in running_norms(network)})
