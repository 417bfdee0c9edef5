"""Environments of every suite: built by `EnvSpec`, which conf/env/*.yaml fill, and drawn."""

from ddpg.envs.rendering import frames_per_second, write_video
from ddpg.envs.spec import Budget, EnvSpec, folder_name
from ddpg.envs.vector_env import VectorEnv

__all__ = ["Budget", "EnvSpec", "VectorEnv", "folder_name", "frames_per_second", "write_video"]
