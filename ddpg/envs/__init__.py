"""Environments of every suite: built by `EnvSpec`, which conf/env/*.yaml fill, and drawn."""

from ddpg.envs.generators import seed_generators
from ddpg.envs.info_metrics import EPISODE_METRICS
from ddpg.envs.spec import Budget, EnvSpec, folder_name
from ddpg.envs.vector_env import VectorEnv
from ddpg.envs.video import recording

__all__ = ["EPISODE_METRICS", "Budget", "EnvSpec", "VectorEnv", "folder_name", "recording", "seed_generators"]
