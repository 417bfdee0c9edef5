"""Every environment option builds and behaves; spaces that cannot be learned from are refused in one line."""

from typing import Any

import numpy as np
import pytest
from gymnasium import Env, spaces
from support.config_options import CONF
from support.envs import Toy, has_software_renderer, make, refusal, registered, spec_of

from ddpg.envs import folder_name
from ddpg.errors import UserError

NAMES = sorted(path.stem for path in (CONF / "env").glob("*.yaml"))
#: The keys that the options for a whole suite need.
CHOICES = {
    "gym": ["env.id=Swimmer-v5"],
    "dmc": ["env.domain=fish", "env.task=swim"],
    "dmc_pixels": ["env.domain=fish", "env.task=swim"],
    "pybullet": ["env.id=InvertedPendulumSwingupBulletEnv-v0"],
}


@pytest.mark.parametrize("name", NAMES)
def test_every_option_builds_and_steps_in_its_spaces(name: str) -> None:
    pixels = name.endswith("_pixels")
    if pixels and not has_software_renderer():
        pytest.skip("neither libEGL nor libOSMesa is installed")
    env = make(name, *CHOICES.get(name, []))
    again = make(name, *CHOICES.get(name, []))
    first, _ = env.reset(seed=7)
    np.testing.assert_array_equal(first, again.reset(seed=7)[0])
    env.action_space.seed(0)
    for _ in range(1 if pixels else 5):  # drawing takes its time
        action = env.action_space.sample()
        obs, reward, terminated, truncated, _ = env.step(action)
        np.testing.assert_array_equal(obs, again.step(action)[0])
        assert obs.shape == env.observation_space.shape
        assert obs.dtype == env.observation_space.dtype == (np.uint8 if pixels else np.float32)
        assert np.isfinite(obs).all()
        assert [type(x) for x in (reward, terminated, truncated)] == [float, bool, bool]
    env.close()
    again.close()


@pytest.mark.parametrize("name", NAMES)
def test_names_are_folder_names(name: str) -> None:
    spec = spec_of(name, *CHOICES.get(name, []))
    assert spec.name == folder_name(spec.name)
    assert spec.budget.random_steps < spec.budget.total_steps


def test_name_of_an_id_with_a_namespace() -> None:
    assert spec_of("gym", "env.id=my_suite/fish-swim-v0").name == "my_suite-fish-swim-v0"
    line = refusal(spec_of("pendulum", "env.name=a/b"))
    assert line.startswith("env.name=a/b ")
    assert "env.name=a-b" in line


@pytest.mark.parametrize("version", ["v4", "v5"])
def test_mujoco_version_is_selectable(version: str) -> None:
    spec = spec_of("hopper", f"env.version={version}")
    assert (spec.id, spec.name) == (f"Hopper-{version}", f"hopper-{version}")
    spec.make().close()


@pytest.mark.parametrize(
    ("name", "length"),
    [("pendulum", 200), ("mountaincar", 999), ("dmc_cartpole_swingup", 1000), ("pybullet_reacher", 150)],
)
def test_time_limit_truncates_and_does_not_terminate(name: str, length: int) -> None:
    env = make(name)
    env.reset(seed=0)
    still = np.zeros(env.action_space.shape, np.float32)
    flags = [env.step(still)[2:4] for _ in range(length)]
    env.close()
    assert flags == [(False, False)] * (length - 1) + [(False, True)]


def test_falling_terminates_and_does_not_truncate() -> None:
    env = make("hopper")
    env.reset(seed=0)
    flags = (False, False)
    while not any(flags):
        flags = env.step(env.action_space.high)[2:4]
    assert flags == (True, False)


def test_own_time_limit() -> None:
    env = make("pendulum", "env.max_episode_steps=3")
    env.reset(seed=0)
    assert [env.step(np.zeros(1, np.float32))[3] for _ in range(3)] == [False, False, True]


def test_no_time_limit_is_refused_until_one_is_given() -> None:
    line = refusal(registered(Toy, max_episode_steps=None))
    assert line.startswith("env.id=TestOnly-v0: ")
    assert "env.max_episode_steps=1000" in line
    env = spec_of("gym", "env.id=TestOnly-v0", "env.max_episode_steps=50").make()
    env.reset(seed=0)
    flags = [env.step(env.action_space.low)[2:4] for _ in range(50)]
    assert flags == [(False, False)] * 49 + [(False, True)]


def test_kwargs_reach_the_env() -> None:
    env = make("swimmer", "+env.kwargs.exclude_current_positions_from_observation=false")
    assert env.observation_space.shape == (10,)


def test_asymmetric_bounds_dtype_and_shape_of_the_action() -> None:
    env = registered(Toy).make()
    env.reset(seed=0)
    np.testing.assert_array_equal(env.action_space.low, np.float32([-3, 0]))
    np.testing.assert_array_equal(env.action_space.high, np.float32([1, 10]))
    action = np.array([0.5, 9.5], np.float32)
    env.step(action)
    np.testing.assert_array_equal(env.unwrapped.received, [0.5, 9.5])
    np.testing.assert_array_equal(action, np.float32([0.5, 9.5]))  # the env changed its own copy


def test_float32_bounds_lie_within_the_envs_float64_bounds() -> None:
    class Odd(Toy):
        action_space = spaces.Box(np.array([[-0.1, -0.3]]), np.array([[0.4, 0.7]]), dtype=np.float64)

    env = registered(Odd).make()
    env.reset(seed=0)
    env.step(env.action_space.low)
    env.step(env.action_space.high)  # the env asserts that it contains the action
    assert env.unwrapped.received.shape == (1, 2)
    np.testing.assert_allclose(env.action_space.high, [0.4, 0.7], rtol=1e-6)


def test_an_action_beyond_the_bounds_by_one_bit_reaches_the_env_within_them() -> None:
    """center + scale is not always the bound itself."""
    env = registered(Toy).make()
    env.reset(seed=0)
    for bound, outwards in ((env.action_space.low, -np.inf), (env.action_space.high, np.inf)):
        beyond = np.nextafter(bound, np.float32(outwards))
        assert not env.action_space.contains(beyond)
        env.step(beyond)  # the env asserts that it contains the action
        np.testing.assert_array_equal(env.unwrapped.received, bound)


def test_observations_are_float32_flat_and_not_aliased() -> None:
    env = registered(Toy).make()
    first, _ = env.reset(seed=0)
    second = env.step(env.action_space.low)[0]
    env.step(env.action_space.low)
    np.testing.assert_array_equal(first, np.zeros(6, np.float32))
    np.testing.assert_array_equal(second, np.ones(6, np.float32))


@pytest.mark.parametrize(
    "space",
    [
        spaces.Dict({"b": spaces.Box(-1, 1, (2, 2)), "a": spaces.Box(-1, 1, (), np.float64)}),
        spaces.Dict({"on": spaces.Discrete(3), "inner": spaces.Dict({"x": spaces.Box(-1, 1, (2,))})}),
        spaces.Tuple((spaces.Box(-1, 1, (2,)), spaces.MultiBinary(3))),
    ],
    ids=["dict of boxes", "nested dict", "tuple"],
)
def test_composite_observations_are_flattened_as_gymnasium_does(space: Any) -> None:
    class Composite(Toy):
        observation_space = space

        def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict]:
            space.seed(seed)
            self.sample = space.sample()
            return self.sample, {}

    env = registered(Composite).make()
    obs, _ = env.reset(seed=3)
    np.testing.assert_array_equal(obs, spaces.flatten(space, env.unwrapped.sample).astype(np.float32))
    assert obs.dtype == np.float32
    assert obs.shape == env.observation_space.shape


def crossed() -> spaces.Box:
    """Make a space whose low is above its high, which gymnasium refuses when it is made."""
    space = spaces.Box(-1, 1, (2,))
    space.low = np.float32([-1, 3])
    return space


@pytest.mark.parametrize(
    ("space", "facts"),
    [
        (spaces.Discrete(3), ["Discrete(3)", "continuous"]),
        (spaces.Box(0, 255, (2,), np.uint8), ["uint8", "continuous"]),
        (spaces.Dict({"a": spaces.Box(-1, 1, (2,))}), ["Dict", "continuous"]),
        (spaces.Box(np.float32([-1, 0]), np.float32([1, np.inf])), ["dimension 1", "[0, inf]"]),
        (spaces.Box(np.finfo(np.float32).min, np.finfo(np.float32).max, (1,)), ["dimension 0", "finite bounds"]),
        (spaces.Box(-1e10, 1e10, (2,)), ["dimension 0 (of 2)", "[-1e+10, 1e+10]", "below 1e+10"]),
        (spaces.Box(-1, 1, (0,)), ["(0,)", "at least one"]),
        (crossed(), ["dimension 1 (of 2)", "[3, 1]", "low <= high"]),
        (None, ["None", "continuous"]),
    ],
    ids=[
        "discrete",
        "integers",
        "dict",
        "infinite",
        "as good as infinite",
        "dm_control's lqr",
        "none",
        "crossed",
        "missing",
    ],
)
def test_actions_that_ddpg_cannot_learn_are_refused(space: Any, facts: list[str]) -> None:
    class Refused(Toy):
        action_space = space
        closed = False

        def close(self) -> None:
            Refused.closed = True

    line = refusal(registered(Refused))
    assert Refused.closed
    assert line.startswith("env.id=TestOnly-v0: ")
    for fact in facts:
        assert fact in line


@pytest.mark.parametrize(
    ("space", "word"),
    [(spaces.Sequence(spaces.Box(-1, 1, (2,))), "Sequence"), (spaces.Box(-1, 1, (0,)), "(0,)"), (None, "None")],
)
def test_observations_that_cannot_be_a_vector_are_refused(space: Any, word: str) -> None:
    class Refused(Toy):
        observation_space = space

    line = refusal(registered(Refused))
    assert line.startswith("env.id=TestOnly-v0: ")
    assert word in line


def test_an_action_of_one_value_alone() -> None:
    """Of which no float32 lies between its bounds."""

    class Fixed(Toy):
        action_space = spaces.Box(np.array([-1, 0.1]), np.array([1, 0.1]), dtype=np.float64)

    np.testing.assert_allclose(registered(Fixed).make().action_space.high, [1, 0.1], rtol=1e-6)


def test_a_constructor_that_knows_no_render_mode() -> None:
    """It can be trained, and not be drawn."""

    class Plain(Toy):
        def __init__(self) -> None:
            super().__init__()

    spec = registered(Plain)
    spec.make().close()
    with pytest.raises(UserError, match="unexpected keyword argument 'render_mode'"):
        spec.make(render=True)


def test_a_class_without_a_constructor() -> None:
    """Python then says that it takes no arguments at all."""

    class Plain(Env):
        observation_space = Toy.observation_space
        action_space = Toy.action_space

    spec = registered(Plain)
    spec.make().close()
    with pytest.raises(UserError, match="takes no arguments"):
        spec.make(render=True)
