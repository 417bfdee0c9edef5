"""What is said of observations and actions that have another form for a policy than for their environment."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from ddpg.envs.conversions import conversions
from ddpg.envs.pictures import ChannelsFirst
from ddpg.envs.vector_env import VectorEnv

VECTOR = spaces.Box(-1, 1, (3,), np.float64)


class Empty(gymnasium.Env[Any, Any]):
    """An environment that has spaces and does nothing."""

    def __init__(self, observation_space: spaces.Space[Any], action_space: spaces.Space[Any]) -> None:
        self.observation_space = observation_space
        self.action_space = action_space


@pytest.mark.parametrize(
    ("observation_space", "action_space", "expected"),
    [
        (VECTOR, VECTOR, []),
        (
            spaces.Dict({"speed": VECTOR, "goal": spaces.Box(-1, 1, (2, 2))}),
            VECTOR,
            ["observations are flattened by `gymnasium.spaces.flatten`: goal (4), speed (3)"],
        ),
        (
            spaces.Box(-1, 1, (2, 2)),
            spaces.Box(-1, 1, (2, 3)),
            ["observations are flattened by `gymnasium.spaces.flatten`", "`env.step` takes `action.reshape((2, 3))`"],
        ),
    ],
)
def test_vectors(observation_space: spaces.Space[Any], action_space: spaces.Space[Any], expected: list[str]) -> None:
    env = VectorEnv(Empty(observation_space, action_space), key="env", pictures=False)
    assert conversions(gymnasium.Wrapper(env)) == expected


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((16, 20, 3), ["pictures have their channels in front, (3, 16, 20) instead of (16, 20, 3)"]),
        ((3, 16, 20), []),
    ],
)
def test_pictures(shape: tuple[int, ...], expected: list[str]) -> None:
    env = ChannelsFirst(Empty(spaces.Box(0, 255, shape, np.uint8), VECTOR))
    assert conversions(VectorEnv(env, key="env", pictures=True)) == expected
