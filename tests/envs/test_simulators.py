"""Parameters of simulators are scaled, in each simulator in its own way."""

from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import gymnasium
import numpy as np
import pytest
from omegaconf import DictConfig
from support.command_line import user_error

from ddpg.envs import require_parameter, scale_parameter
from ddpg.envs.simulators import parameters_of
from ddpg.run.env_spec import build_env_spec

Make = Callable[..., gymnasium.Env[Any, Any]]


@pytest.fixture
def make(compose: Callable[..., DictConfig]) -> Iterator[Make]:
    """make("env=hopper"): the environment, closed after the test."""
    made: list[gymnasium.Env[Any, Any]] = []

    def _make(*words: str) -> gymnasium.Env[Any, Any]:
        made.append(build_env_spec(compose(*words)).make())
        return made[-1]

    yield _make
    for env in made:
        env.close()


def falls(env: gymnasium.Env[Any, Any], steps: int = 5) -> np.ndarray:
    """The observation after some steps without an action."""
    env.reset(seed=0)
    for _ in range(steps):
        obs, *_ = env.step(np.zeros(env.action_space.shape, np.float32))
    return obs


def test_pendulum(make: Make) -> None:
    """The angular acceleration 3 g / (2 l) sin(theta) is the same where gravity and length are doubled."""
    env = scale_parameter(scale_parameter(make("env=pendulum"), "gravity", 2.0), "length", 2.0)
    np.testing.assert_allclose(falls(env), falls(make("env=pendulum")), rtol=1e-6)
    assert not np.allclose(falls(scale_parameter(make("env=pendulum"), "mass", 2.0), 1)[2], 0)


@pytest.mark.parametrize(
    "words", [["env=hopper"], ["env=dmc", "env.domain=hopper", "env.task=hop"]], ids=["gym", "dmc"]
)
def test_mujoco(make: Make, words: list[str]) -> None:
    if words[0] == "env=dmc":
        pytest.importorskip("dm_control", reason="the extra dm_control is not installed")
    env = make(*words)
    assert list(parameters_of(env)) == ["gravity", "mass", "friction", "damping", "strength"]
    bare: Any = env.unwrapped
    model = bare.model if words == ["env=hopper"] else bare._env.physics.model.ptr
    before = [model.opt.gravity[2], model.body_subtreemass[0], model.geom_friction[0, 0], model.dof_damping[3]]
    for name in ("gravity", "mass", "friction", "damping"):
        scale_parameter(env, name, 0.5)
    after = [model.opt.gravity[2], model.body_subtreemass[0], model.geom_friction[0, 0], model.dof_damping[3]]
    np.testing.assert_allclose(after, 0.5 * np.array(before))
    falls(env)
    assert model.body_subtreemass[0] == after[1]


def test_pybullet(make: Make) -> None:
    """A second reset leaves the factors as they are."""
    factors = {"gravity": 0.5, "mass": 3.0, "friction": 0.1}

    def measured(env: gymnasium.Env[Any, Any]) -> np.ndarray:
        client = env.unwrapped._p  # type: ignore[attr-defined]
        robot = env.unwrapped.robot.parts["torso"].bodies[0]  # type: ignore[attr-defined]
        of_links = [client.getDynamicsInfo(robot, link) for link in range(client.getNumJoints(robot))]
        mass, friction = np.array([info[:2] for info in of_links if info[0] > 0]).sum(axis=0)
        return np.array([-client.getPhysicsEngineParameters()["gravityAccelerationZ"], mass, friction])

    nominal = make("env=pybullet_hopper")
    nominal.reset(seed=0)
    env = make("env=pybullet_hopper")
    for name, factor in factors.items():
        env = scale_parameter(env, name, factor)
    for _ in range(2):
        env.reset(seed=0)
        np.testing.assert_allclose(measured(env), measured(nominal) * list(factors.values()))


@pytest.mark.parametrize("option", ["pendulum", "mountaincar", "lunarlander"])
def test_every_factor_changes_what_an_action_does(make: Make, option: str) -> None:
    """It does below and above 1, in environments that compute their dynamics themselves."""
    if option == "lunarlander":
        pytest.importorskip("Box2D", reason="the extra box2d is not installed")

    def pushed(env: gymnasium.Env[Any, Any]) -> np.ndarray:
        env.reset(seed=0)
        assert isinstance(env.action_space, gymnasium.spaces.Box)
        return np.array([env.step(env.action_space.high)[0] for _ in range(3)])

    names = list(parameters_of(make(f"env={option}")))
    factors = [(name, factor) for name in names for factor in (0.5, 1.0, 1.5)]
    seen = [pushed(scale_parameter(make(f"env={option}"), *one)).tobytes() for one in factors]
    assert len(set(seen)) == 1 + 2 * len(names)


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        (["env=pendulum"], "simulator.wind: PendulumEnv ... it has gravity, mass, length"),
        (["env=inverted_pendulum"], "simulator.wind ... it has gravity, mass, friction, damping, strength"),
        (["env=pybullet_hopper"], "simulator.wind ... it has gravity, mass, friction"),
        (["env=gym", "env.id=Walk-v0", "env.imports=[support.toys]"], "simulator.wind: Walk ... none is known"),
    ],
)
def test_what_a_simulator_lacks(make: Make, words: list[str], parts: str) -> None:
    with closing(make(*words)) as env, user_error(parts):
        require_parameter(env, "wind")
