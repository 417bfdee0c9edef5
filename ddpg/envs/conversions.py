"""What lies between the observations and actions of an environment and those of a policy, in words."""

from collections.abc import Iterator
from typing import Any

import gymnasium
from gymnasium import spaces

from ddpg.envs.pictures import ChannelsFirst
from ddpg.envs.vector_env import VectorEnv


def conversions(env: gymnasium.Env[Any, Any]) -> list[str]:
    """Say how the arrays of a policy differ from those of the environment that `EnvSpec.make` has wrapped.

    Each entry is a part of a sentence; there is none where only the number format is another one.
    """
    return [words for wrapper in _wrappers(env) for words in _words(wrapper)]


def _wrappers(env: gymnasium.Env[Any, Any]) -> Iterator[gymnasium.Wrapper[Any, Any, Any, Any]]:
    """Yield the wrappers of an environment, the outermost first."""
    while isinstance(env, gymnasium.Wrapper):
        yield env
        env = env.env


def _words(wrapper: gymnasium.Wrapper[Any, Any, Any, Any]) -> Iterator[str]:
    own = wrapper.env
    if isinstance(wrapper, VectorEnv) and own.observation_space.shape != wrapper.observation_space.shape:
        yield f"observations are flattened by `gymnasium.spaces.flatten`{_order(own.observation_space)}"
    if isinstance(wrapper, VectorEnv) and own.action_space.shape != wrapper.action_space.shape:
        yield f"`env.step` takes `action.reshape({own.action_space.shape})`"
    if isinstance(wrapper, ChannelsFirst) and own.observation_space.shape != wrapper.observation_space.shape:
        had, has = own.observation_space.shape, wrapper.observation_space.shape
        yield f"pictures have their channels in front, {has} instead of {had}"


def _order(space: spaces.Space[Any]) -> str:
    """Return the parts of a dictionary in their order, each with how many numbers it has."""
    if not isinstance(space, spaces.Dict):
        return ""
    return f": {', '.join(f'{name} ({spaces.flatdim(part)})' for name, part in space.items())}"
