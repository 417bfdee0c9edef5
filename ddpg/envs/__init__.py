"""Environments of every suite: built by `EnvSpec`, which conf/env/*.yaml fill, and drawn."""

from ddpg.envs.info_metrics import EPISODE_METRICS
from ddpg.envs.rendering import frames_per_second, write_video
from ddpg.envs.spec import Budget, EnvSpec, folder_name
from ddpg.envs.vector_env import VectorEnv

__all__ = ["EPISODE_METRICS", "Budget", "EnvSpec", "VectorEnv", "folder_name", "frames_per_second", "write_video"]
