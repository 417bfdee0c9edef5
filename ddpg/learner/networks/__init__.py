"""Actors and critics; conf/network/*.yaml names them."""

from ddpg.learner.networks.act import Act, RecordedAct, act, as_input
from ddpg.learner.networks.batch_norm import batch_norms, batch_statistics
from ddpg.learner.networks.conv import PixelActor, PixelCritic
from ddpg.learner.networks.ensemble import Ensemble
from ddpg.learner.networks.mlp import Actor, Critic
from ddpg.learner.networks.running_norm import Normalized, RunningNorm, copy_of, running_norms
from ddpg.learner.networks.targets import Targets

__all__ = [
    "Act", "Actor", "Critic", "Ensemble", "Normalized", "PixelActor", "PixelCritic", "RecordedAct", "RunningNorm",
    "Targets", "act", "as_input", "batch_norms", "batch_statistics", "copy_of", "running_norms",
]  # fmt: skip
