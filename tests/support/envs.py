"""Environments by the options of conf/env, one of a test's own among them, and how they are refused."""

import ctypes.util
import importlib.util
import pickle
from functools import cache
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from hydra import compose, initialize_config_dir
from support.config_options import CONF

from ddpg.config import resolvers
from ddpg.envs import EnvSpec, VectorEnv
from ddpg.envs.suites import suite_of
from ddpg.errors import UserError
from ddpg.run.env_spec import build_env_spec

#: The module that each extra of the package installs.
MODULES = {"box2d": "Box2D", "dm_control": "dm_control"}


#: A task of dm_control that shuffles bricks on from the order of the episode before.
SHUFFLED = "dm_control/reassemble_5_bricks_random_order_features-v0"


def spec_of(name: str, *overrides: str) -> EnvSpec:
    """Build the EnvSpec of an option of the group `env`."""
    return build_env_spec(pickle.loads(_composed(name, overrides)))


@cache
def _composed(name: str, overrides: tuple[str, ...]) -> bytes:
    """Compose an option without the other groups, in a sixth of the time."""
    resolvers.register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return pickle.dumps(compose(f"env/{name}", [*overrides]))


def make(name: str, *overrides: str, render: bool = False) -> VectorEnv:
    """Make the environment of an option; where its extra is not installed, the test is skipped."""
    spec = spec_of(name, *overrides)
    extra = suite_of(spec.id).extra
    if extra is not None and importlib.util.find_spec(MODULES[extra]) is None:
        pytest.skip(f"{extra} is not installed")
    return spec.make(render=render)


def has_software_renderer() -> bool:
    """Whether MuJoCo can draw without a display."""
    return bool(ctypes.util.find_library("EGL") or ctypes.util.find_library("OSMesa"))


def registered(env: type[gymnasium.Env], env_id: str = "TestOnly-v0", **kwargs: Any) -> EnvSpec:
    """Register a class with gymnasium, and give the EnvSpec of its id."""
    gymnasium.registry.pop(env_id, None)
    gymnasium.register(env_id, entry_point=env, **{"max_episode_steps": 1000} | kwargs)
    return spec_of("gym", f"env.id={env_id}")


def refusal(spec: EnvSpec) -> str:
    """Give the one line in which the environment is refused, before or while it is made."""

    def build() -> None:
        spec.check()
        spec.make()

    with pytest.raises(UserError) as caught:
        build()
    assert "\n" not in str(caught.value)
    return str(caught.value)


class Toy(gymnasium.Env):
    """Returns the same observation array each time, changed in place, and changes the action it is given."""

    observation_space: Any = spaces.Box(-1, 1, (2, 3), np.float64)
    action_space: Any = spaces.Box(np.array([-3.0, 0.0]), np.array([1.0, 10.0]), dtype=np.float64)

    def __init__(self, render_mode: str | None = None) -> None:
        self.obs = np.zeros((2, 3))

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict]:
        super().reset(seed=seed)
        self.obs[:] = 0
        return self.obs, {}

    def step(self, action: np.ndarray) -> tuple[Any, Any, Any, Any, dict]:
        assert self.action_space.contains(action)
        assert action.dtype == self.action_space.dtype
        self.received = action.copy()
        action[...] = 0
        self.obs += 1
        return self.obs, np.float64(1), np.bool_(False), np.bool_(False), {}
