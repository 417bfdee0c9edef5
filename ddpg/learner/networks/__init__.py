"""Actors and critics, which conf/network/*.yaml names, and what is done to them."""

from ddpg.learner.networks.conv import PixelActor, PixelCritic
from ddpg.learner.networks.ensemble import Ensemble
from ddpg.learner.networks.mlp import Actor, Critic
from ddpg.learner.networks.mode import buffers_kept, train_mode
from ddpg.learner.networks.normalization import (
    Normalized,
    RunningNorm,
    batch_norms,
    copy_of,
    observe,
    running_norms,
)
from ddpg.learner.networks.targets import Targets

__all__ = [
    "Actor",
    "Critic",
    "Ensemble",
    "Normalized",
    "PixelActor",
    "PixelCritic",
    "RunningNorm",
    "Targets",
    "batch_norms",
    "buffers_kept",
    "copy_of",
    "observe",
    "running_norms",
    "train_mode",
]
