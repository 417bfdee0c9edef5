"""Pixels: drawn frames become uint8 observations, and actions are repeated."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from omegaconf import DictConfig
from support.envs import has_software_renderer, make, registered, spec_of

from ddpg.distribution import install_hint
from ddpg.envs import EnvSpec
from ddpg.envs.video import frames_per_second
from ddpg.errors import UserError


class Clock(gymnasium.Env):
    """Draws how many steps the episode has: red is the number, green ten times it, the left half of blue is 255.

    Terminates after `length` steps; the reward of step k is 10^k.
    """

    metadata: Any = {"render_modes": ["rgb_array"], "render_fps": 30}  # noqa: RUF012
    observation_space: Any = spaces.Box(0, 100, (1,), np.float64)
    action_space: Any = spaces.Box(-1, 1, (2,), np.float64)

    def __init__(self, render_mode: str | None = None, length: int = 8) -> None:
        self.length = length
        self.received: list[np.ndarray] = []

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict]:
        super().reset(seed=seed)
        self.count = 0
        return np.array([0.0]), {}

    def step(self, action: np.ndarray) -> tuple[Any, float, bool, bool, dict]:
        self.received.append(action.copy())
        action[:] = 0  # as some envs do
        reward = 10.0**self.count
        self.count += 1
        return np.array([self.count]), reward, self.count == self.length, False, {}

    def render(self) -> np.ndarray:
        frame = np.zeros((40, 60, 3), np.uint8)
        frame[..., 0] = self.count
        frame[..., 1] = 10 * self.count
        frame[:, :30, 2] = 255
        return frame


class Wavy(Clock):
    """Draws a gradient from 0 to 255 along its width and along its height."""

    def render(self) -> np.ndarray:
        x, y = np.meshgrid(np.arange(256), np.arange(128))
        return np.stack([x, 2 * y, x // 2 + y], axis=-1).astype(np.uint8)


def clock(pixels: int | None, repeat: int, *overrides: str, env: type[Clock] = Clock) -> EnvSpec:
    registered(env)
    shape = [f"env.pixels={'null' if pixels is None else pixels}", f"env.action_repeat={repeat}"]
    return spec_of("gym", "env.id=TestOnly-v0", *shape, *overrides)


def counts(obs: np.ndarray) -> list[int]:
    """The step that each frame of an observation of `Clock` was drawn at."""
    frames = obs.reshape(-1, 3, *obs.shape[1:])
    for frame in frames:
        assert (frame[0] == frame[0, 0, 0]).all()
        assert (frame[1] == 10 * frame[0]).all()
        half = frame.shape[2] // 2
        assert (frame[2, :, :half] == 255).all()
        assert (frame[2, :, half:] == 0).all()
    return frames[:, 0, 0, 0].tolist()


def test_every_frame_stands_once_in_its_place() -> None:
    """Three frames an observation in order of time; at the episode's ends the only and the last one are repeated."""
    env = clock(16, 3).make()
    action = np.array([0.5, -0.5], np.float32)
    obs, _ = env.reset(seed=0)
    assert (obs.shape, obs.dtype) == ((9, 16, 16), np.uint8)
    assert env.observation_space == spaces.Box(0, 255, (9, 16, 16), np.uint8)
    steps = [env.step(action) for _ in range(3)]
    assert [counts(obs)] + [counts(step[0]) for step in steps] == [[0, 0, 0], [1, 2, 3], [4, 5, 6], [7, 8, 8]]
    assert [step[1] for step in steps] == [111, 111_000, 11_000_000]
    assert [step[2:4] for step in steps] == [(False, False), (False, False), (True, False)]
    np.testing.assert_array_equal(env.unwrapped.received, [[0.5, -0.5]] * 8)
    assert counts(env.reset(seed=0)[0]) == [0, 0, 0]


def test_action_repeat_without_pixels_gives_the_last_observation() -> None:
    env = clock(None, 3, "+env.kwargs.length=7").make()
    assert env.reset(seed=0)[0].tolist() == [0]
    steps = [env.step(np.zeros(2, np.float32)) for _ in range(3)]
    assert [(step[0].tolist(), step[1], step[2]) for step in steps] == [
        ([3], 111, False), ([6], 111_000, False), ([7], 1_000_000, True),
    ]  # fmt: skip
    assert steps[0][0].dtype == np.float32


def test_pixels_without_action_repeat() -> None:
    env = clock(16, 1).make()
    assert counts(env.reset(seed=0)[0]) == [0]
    assert counts(env.step(np.zeros(2, np.float32))[0]) == [1]
    assert env.observation_space.shape == (3, 16, 16)


def test_time_limit_counts_simulator_steps_and_truncates_within_a_repeat() -> None:
    env = clock(16, 3, "env.max_episode_steps=4").make()
    env.reset(seed=0)
    assert env.step(np.zeros(2, np.float32))[2:4] == (False, False)
    obs, reward, *flags, _ = env.step(np.zeros(2, np.float32))
    assert (counts(obs), reward, flags) == ([4, 4, 4], 1000, [False, True])


def test_a_pixel_is_the_mean_of_its_area() -> None:
    env = clock(16, 1, env=Wavy).make()
    frame = env.unwrapped.render().astype(float)
    means = frame.reshape(16, 8, 16, 16, 3).mean(axis=(1, 3)).transpose(2, 0, 1)
    assert np.abs(env.reset(seed=0)[0] - means).max() <= 1


def test_observations_are_new_arrays_and_video_stays_full_size() -> None:
    env = clock(16, 3).make(render=True)
    first, _ = env.reset(seed=0)
    env.step(np.zeros(2, np.float32))
    assert counts(first) == [0, 0, 0]
    assert env.render().shape == (40, 60, 3)
    assert env.render()[0, 0, 0] == 3
    assert frames_per_second(env) == 10  # 30 simulator steps a second, one frame for every third


@pytest.mark.parametrize("pixels", [None, 16])
def test_an_env_that_cannot_be_drawn_is_refused_only_where_it_must_be(pixels: int | None) -> None:
    class Blind(Clock):
        def render(self) -> Any:
            return None

    spec = clock(pixels, 1, env=Blind)
    if pixels is None:
        spec.make().reset(seed=0)
        return
    with pytest.raises(UserError, match=r"^env\.id=TestOnly-v0 env\.pixels=16: drawing it failed") as caught:
        spec.make()
    assert "\n" not in str(caught.value)
    assert "install" not in str(caught.value)  # what draws it is not known


def test_pixels_without_pygame_name_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pygame", None)
    with pytest.raises(UserError, match=r"^env\.id=Pendulum-v1 env\.pixels=8: ") as caught:
        make("pendulum", "env.pixels=8")
    assert install_hint("video") in str(caught.value)


def test_pixels_of_mujoco_without_a_renderer_name_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ddpg.envs.rendering.choose_mujoco_backend", lambda: False)
    with pytest.raises(UserError, match="libegl1 libegl-mesa0 libgl1 libgl1-mesa-dri, or libosmesa6"):
        make("reacher", "env.pixels=8")
    make("reacher").reset(seed=0)  # without pixels nothing is drawn


DRAWN = {
    "pendulum": ("pygame", None), "lunarlander": ("Box2D", None), "pybullet_hopper": ("pybullet", None),
    "reacher": ("mujoco", "EGL"), "dmc_cartpole_swingup": ("dm_control", "EGL"),
}  # fmt: skip


@pytest.mark.parametrize("name", DRAWN)
def test_a_used_env_draws_what_a_fresh_one_does(name: str) -> None:
    """Exact resume rests on this; where `resets_fully` is false, a run has a fresh env too."""
    module, renderer = DRAWN[name]
    if importlib.util.find_spec(module) is None or (renderer and not has_software_renderer()):
        pytest.skip(f"{module} or a renderer is not installed")
    overrides = ["env.pixels=32", "env.action_repeat=2"]
    used, fresh = make(name, *overrides), make(name, *overrides)
    used.reset(seed=1)
    for _ in range(5):
        used.step(used.action_space.high)
    seen, expected = (
        [env.reset(seed=7)[0], *(env.step(env.action_space.low)[0] for _ in range(2))] for env in (used, fresh)
    )
    for a, b in zip(seen, expected, strict=True):
        np.testing.assert_array_equal(a, b)
    assert seen[0].shape == (6, 32, 32)
    assert seen[0].std() > 1  # something is in the picture
    assert not np.array_equal(seen[1], seen[2])  # and it moves
    assert not np.array_equal(seen[1][:3], seen[1][3:])
    used.close()
    fresh.close()


@pytest.mark.parametrize(("name", "another"), [("reacher", "swimmer"), ("dmc_cartpole_swingup", "dmc_reacher_hard")])
def test_mujoco_draws_small_and_for_video_in_full(name: str, another: str) -> None:
    """Frames for video change nothing about the observations, nor does another env that draws in between."""
    if not has_software_renderer() or importlib.util.find_spec(DRAWN[name][0]) is None:
        pytest.skip("neither libEGL nor libOSMesa is installed, or not the env")
    plain = make(name, "env.pixels=64")
    expected, _ = plain.reset(seed=0)
    filmed, other = make(name, "env.pixels=64", render=True), make(another, "env.pixels=64")
    filmed.reset(seed=1)
    other.reset(seed=2)
    frame = filmed.render()
    assert min(frame.shape[:2]) >= 360
    np.testing.assert_array_equal(filmed.reset(seed=0)[0], expected)
    other.step(other.action_space.high)
    np.testing.assert_array_equal(filmed.reset(seed=0)[0], expected)
    if name == "reacher":  # a square too, so the same picture
        np.testing.assert_allclose(filmed.render()[4::8, 4::8].mean(), expected.mean(), rtol=0.05)
    for env in (plain, filmed, other):
        env.close()


PIXELS_ENVS = sorted(path.stem for path in (Path(__file__).parents[2] / "conf" / "env").glob("dmc_*_*_pixels.yaml"))


@pytest.mark.parametrize("name", PIXELS_ENVS)
def test_pixel_options_are_their_tasks_drawn(name: str, compose: Callable[..., DictConfig]) -> None:
    drawn, plain = compose(f"env={name}").env, compose(f"env={name.removesuffix('_pixels')}").env
    assert (drawn.domain, drawn.task, drawn.id) == (plain.domain, plain.task, plain.id)
    assert (drawn.pixels, drawn.action_repeat, drawn.name) == (64, 3, name)
    assert plain.pixels is None


def test_there_are_pixel_options() -> None:
    assert len(PIXELS_ENVS) == 5
