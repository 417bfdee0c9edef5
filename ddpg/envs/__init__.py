"""Environments: what to build (`EnvSpec`, filled by conf/env/*.yaml) and how it is drawn."""

from ddpg.envs.rendering import frames_per_second, write_video
from ddpg.envs.spec import Budget, EnvSpec, folder_name
from ddpg.envs.vector_env import VectorEnv

__all__ = ["Budget", "EnvSpec", "VectorEnv", "folder_name", "frames_per_second", "write_video"]
