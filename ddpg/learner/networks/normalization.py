"""Normalization by statistics: of a minibatch (batch norm), and of all observations so far."""

import copy
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from ddpg.ranges import Positive

Network = TypeVar("Network", bound=nn.Module)
BatchNorm = nn.BatchNorm1d | nn.BatchNorm2d | nn.BatchNorm3d

#: The smallest variance that is divided by (Baselines, common/mpi_running_mean_std.py).
MIN_VARIANCE = 1e-2


def batch_norms(network: nn.Module) -> list[BatchNorm]:
    """List the layers of a network that normalize by the minibatch."""
    return [module for module in network.modules() if isinstance(module, BatchNorm)]


class RunningNorm(nn.Module):
    """Maps obs to (obs - mean) / std, clipped to +-clip; any shape (..., *obs_shape).

    Mean and std are those of all observations so far, as in OpenAI Baselines, and are updated as by
    Welford (1962). Raises ValueError for pictures.
    """

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
        # float64, because in float32 a count ends at 2^24 and small deviations are lost
        self.register_buffer("mean", torch.zeros(obs_shape, dtype=torch.float64))
        # the sum of squared deviations from the mean
        self.register_buffer("squares", torch.zeros(obs_shape, dtype=torch.float64))
        self.register_buffer("count", torch.zeros((), dtype=torch.float64))

    @torch.no_grad()
    def observe(self, obs: Tensor) -> None:
        """Update the statistics by one observation, (*obs_shape)."""
        deviation = obs - self.mean
        self.count += 1
        self.mean += deviation / self.count
        self.squares += deviation * (obs - self.mean)

    def forward(self, obs: Tensor) -> Tensor:
        variance = (self.squares / self.count.clamp(min=1)).clamp(min=MIN_VARIANCE)
        return ((obs - self.mean) / variance.sqrt()).clamp(-self.clip, self.clip).to(obs.dtype)


class Normalized(nn.Module):
    """A network that sees normalized observations instead of observations."""

    def __init__(self, norm: RunningNorm, network: nn.Module) -> None:
        super().__init__()
        self.norm = norm
        self.network = network

    def forward(self, obs: Tensor, *action: Tensor) -> Tensor:
        return self.network(self.norm(obs), *action)

    def sample(self, obs: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Sample from a stochastic actor: actions and their log probabilities."""
        network: Any = self.network
        return network.sample(self.norm(obs), noise)


def observe(norms: Sequence[RunningNorm], obs: np.ndarray) -> None:
    """Let running normalizations learn from one observation, (*obs_shape)."""
    for norm in norms:
        norm.observe(torch.as_tensor(obs).to(norm.mean.device, non_blocking=True))


def running_norms(*networks: nn.Module) -> list[RunningNorm]:
    """List the running normalizations in networks; one that several networks share comes once."""
    modules = (module for network in networks for module in network.modules())
    return list({id(m): m for m in modules if isinstance(m, RunningNorm)}.values())


def copy_of(network: Network) -> Network:
    """Copy a network with its weights; the copy shares its running normalizations."""
    return copy.deepcopy(network, {id(norm): norm for norm in running_norms(network)})
