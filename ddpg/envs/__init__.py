"""Environments of every suite: built by `EnvSpec`, which conf/env/*.yaml fill, and drawn."""

from ddpg.envs.conversions import conversions
from ddpg.envs.disturbances import ActionDelay, ObsNoise
from ddpg.envs.generators import seed_generators
from ddpg.envs.info_metrics import EPISODE_METRICS
from ddpg.envs.side_by_side import side_by_side
from ddpg.envs.simulators import require_parameter, scale_parameter
from ddpg.envs.spec import Budget, EnvSpec, folder_name
from ddpg.envs.vector_env import VectorEnv
from ddpg.envs.video import recording
from ddpg.envs.window import Window

__all__ = [
    "EPISODE_METRICS",
    "ActionDelay",
    "Budget",
    "EnvSpec",
    "ObsNoise",
    "VectorEnv",
    "Window",
    "conversions",
    "folder_name",
    "recording",
    "require_parameter",
    "scale_parameter",
    "seed_generators",
    "side_by_side",
]
