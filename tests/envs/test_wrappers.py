"""Wrappers of `env.wrappers` stand around the environment in their order; those that learn are refused."""

from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from support.envs import Toy, refusal, registered, spec_of

from ddpg.envs import EnvSpec
from ddpg.envs.wrappers import is_cleared_by_reset
from ddpg.errors import UserError
from ddpg.training.seeding import begin_episode


class Twice(gymnasium.Wrapper):
    """Doubles rewards and adds `plus`."""

    def __init__(self, env: gymnasium.Env, plus: float) -> None:
        super().__init__(env)
        self.plus = plus

    def step(self, action: Any) -> Any:
        obs, reward, *flags, info = self.env.step(action)
        return obs, 2 * reward + self.plus, *flags, info


def nothing(env: gymnasium.Env) -> str:
    return "no environment"


class Wave(Toy):
    """Gives observations and rewards that follow from the seed of the episode, of 5 steps."""

    observation_space: Any = spaces.Box(-9, 9, (3,), np.float64)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict]:
        super().reset(seed=seed)
        self.steps = 0
        return self.np_random.standard_normal(3), {}

    def step(self, action: np.ndarray) -> tuple[Any, Any, Any, Any, dict]:
        self.steps += 1
        return self.np_random.standard_normal(3), float(action[0]), self.steps == 5, False, {}


def with_wrappers(*nodes: str, env: type[gymnasium.Env] = Toy) -> EnvSpec:
    registered(env)
    return spec_of("gym", "env.id=TestOnly-v0", f"env.wrappers=[{','.join(nodes)}]")


def test_the_first_wrapper_is_innermost() -> None:
    env = with_wrappers(
        "{_target_: envs.test_wrappers.Twice, plus: 1}",
        "{_target_: gymnasium.wrappers.ClipReward, max_reward: 2.5}",
        "{_target_: envs.test_wrappers.Twice, plus: 0}",
    ).make()
    env.reset(seed=0)
    assert env.step(env.action_space.low)[1] == 5  # 2 min(2 * 1 + 1, 2.5)


def test_observations_may_change_their_form() -> None:
    flat = "{_target_: gymnasium.wrappers.FlattenObservation}"
    stack = "{_target_: gymnasium.wrappers.FrameStackObservation, stack_size: 2, padding_type: zero}"
    env = with_wrappers(flat, stack).make()
    env.reset(seed=0)
    obs = env.step(env.action_space.low)[0]
    assert obs.tolist() == [0] * 6 + [1] * 6


class Offset(gymnasium.ObservationWrapper):
    """Subtracts the observation of a reset of its own, as AddRenderObservation aims MuJoCo's camera by one."""

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        self.first, _ = env.reset()

    def observation(self, observation: Any) -> Any:
        return observation - self.first


def test_environments_are_alike_where_a_wrapper_resets_them_without_a_seed() -> None:
    spec = with_wrappers("{_target_: envs.test_wrappers.Offset}", env=Wave)
    one, other = (spec.make().reset(seed=1)[0] for _ in range(2))
    assert one.any()
    assert one.tolist() == other.tolist()


class Shaken(gymnasium.Wrapper):
    """Adds a draw from a space of its own to the first observation."""

    def __init__(self, env: gymnasium.Env) -> None:
        super().__init__(env)
        self.action_space = spaces.Box(-1, 1, (2,))

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        obs, info = self.env.reset(seed=seed)
        return obs + self.action_space.sample()[0], info


def test_an_episodes_seed_fixes_draws_from_the_space_of_a_wrapper() -> None:
    env = with_wrappers("{_target_: envs.test_wrappers.Shaken}", env=Wave).make()
    one, other, again = (begin_episode(env, seed).tolist() for seed in (1, 2, 1))
    assert one != other
    assert one == again


def test_lists_become_the_tuples_that_a_wrapper_wants() -> None:
    env = with_wrappers("{_target_: gymnasium.wrappers.ReshapeObservation, shape: [3, 2]}").make()
    assert env.observation_space.shape == (6,)


def test_a_time_limit_may_come_from_a_wrapper() -> None:
    registered(Toy, max_episode_steps=None)
    limit = "{_target_: gymnasium.wrappers.TimeLimit, max_episode_steps: 3}"
    env = spec_of("gym", "env.id=TestOnly-v0", f"env.wrappers=[{limit}]").make()
    assert env.spec.max_episode_steps == 3


class Drawn(Toy):
    """Draws the first number of its observation."""

    metadata: Any = {"render_modes": ["rgb_array"]}  # noqa: RUF012

    def __init__(self, render_mode: str | None = None) -> None:
        super().__init__(render_mode)
        self.render_mode = render_mode

    def render(self) -> Any:
        return np.full((10, 12, 3), self.obs[0, 0], np.uint8)


def test_wrappers_may_draw() -> None:
    render = "{_target_: gymnasium.wrappers.AddRenderObservation}"
    stack = "{_target_: gymnasium.wrappers.FrameStackObservation, stack_size: 2, padding_type: zero}"
    registered(Drawn)
    wrappers = f"env.wrappers=[{render},{stack}]"
    env = spec_of("gym", "env.id=TestOnly-v0", wrappers, "+env.kwargs.render_mode=rgb_array").make()
    env.reset(seed=0)
    obs = env.step(env.action_space.low)[0]
    assert obs.shape == (6, 10, 12)
    assert obs[:, 0, 0].tolist() == [0] * 3 + [1] * 3


def test_observations_that_pixels_would_replace_are_refused() -> None:
    flat = "{_target_: gymnasium.wrappers.FlattenObservation}"
    registered(Drawn)
    line = refusal(spec_of("gym", "env.id=TestOnly-v0", f"env.wrappers=[{flat}]", "env.pixels=10"))
    assert "env.pixels=10" in line
    assert "AddRenderObservation" in line
    clipped = "env.wrappers=[{_target_: gymnasium.wrappers.ClipReward, max_reward: 0}]"
    env = spec_of("gym", "env.id=TestOnly-v0", clipped, "env.pixels=10").make()
    assert env.observation_space.shape == (3, 10, 10)
    assert env.step(env.action_space.low)[1] == 0


@pytest.mark.parametrize(
    ("node", "facts"),
    [
        ("{_target_: gymnasium.wrappers.NormalizeObservation}", ["NormalizeObservation", "network.normalize_obs=5"]),
        ("{_target_: gymnasium.wrappers.NormalizeReward, gamma: 0.9}", ["NormalizeReward", "algorithm.reward_scale"]),
        ("{_target_: gymnasium.wrappers.GrayscaleObservation}", ["3 channels"]),
        ("{_target_: envs.test_wrappers.nothing}", ["str"]),
    ],
)
def test_a_wrapper_that_cannot_be_used_is_refused(node: str, facts: list[str]) -> None:
    line = refusal(with_wrappers(node))
    assert line.startswith("env.id=TestOnly-v0 env.wrappers[0]: ")
    for fact in facts:
        assert fact in line


def test_an_argument_that_cannot_be_made_is_said_with_its_wrapper() -> None:
    fails = "{_target_: gymnasium.wrappers.TransformReward, func: {_target_: builtins.abs}}"
    with pytest.raises(UserError, match=r"^env\.wrappers\[1\]: TypeError: abs\(\) takes exactly one argument"):
        with_wrappers("{_target_: gymnasium.wrappers.ClipReward, max_reward: 0}", fails)


@pytest.mark.parametrize(
    "node",
    [
        "{_target_: gymnasium.wrappers.FrameStackObservation, stack_size: 3}",
        "{_target_: gymnasium.wrappers.DelayObservation, delay: 2}",
        "{_target_: gymnasium.wrappers.TimeAwareObservation}",
        "{_target_: gymnasium.wrappers.StickyAction, repeat_action_probability: 0.5}",
        "{_target_: gymnasium.wrappers.RecordEpisodeStatistics}",
        "{_target_: gymnasium.wrappers.TimeLimit, max_episode_steps: 4}",
    ],
)
def test_wrappers_that_are_promised_begin_each_episode_afresh(node: str) -> None:
    def episode(env: gymnasium.Env, seed: int, actions: np.ndarray) -> list[Any]:
        steps = [env.reset(seed=seed)[0], *(env.step(action) for action in actions)]
        return [part.tolist() if isinstance(part, np.ndarray) else part for step in steps for part in step[:4]]

    used = with_wrappers(node, env=Wave).make()
    fresh = with_wrappers(node, env=Wave).make()
    actions = np.linspace(used.action_space.low, used.action_space.high, 4)
    for seed in range(3):
        episode(used, seed, actions[::-1][: seed + 1])
    assert episode(used, 7, actions) == episode(fresh, 7, actions)


@pytest.mark.parametrize(
    ("target", "cleared"),
    [
        ("gymnasium.wrappers.FrameStackObservation", True),
        ("gymnasium.wrappers.MaxAndSkipObservation", False),
        ("my_package.Mine", False),
    ],
)
def test_wrappers_of_ones_own_are_not_promised(target: str, cleared: bool) -> None:
    assert is_cleared_by_reset(target) is cleared
