"""Actors and critics; conf/network/*.yaml names them."""

from ddpg.networks.act import Act, RecordedAct, act, as_input
from ddpg.networks.batch_norm import batch_norms, batch_statistics
from ddpg.networks.conv import PixelActor, PixelCritic
from ddpg.networks.ensemble import Ensemble
from ddpg.networks.mlp import Actor, Critic
from ddpg.networks.running_norm import Normalized, RunningNorm, copy_of, running_norms
from ddpg.networks.targets import Targets

__all__ = [
    "Act", "Actor", "Critic", "Ensemble", "Normalized", "PixelActor", "PixelCritic", "RecordedAct", "RunningNorm",
    "Targets", "act", "as_input", "batch_norms", "batch_statistics", "copy_of", "running_norms",
]  # fmt: skip
