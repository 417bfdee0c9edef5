"""Frames of every suite, the choice of MuJoCo's renderer, and videos that play."""

import ctypes.util
import gc
import os
import sys

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces
from support.envs import has_software_renderer, make, spec_of

from ddpg.distribution import install_hint
from ddpg.envs import EnvSpec
from ddpg.envs.rendering import choose_mujoco_backend, renderer_of_observations, require_mujoco_backend
from ddpg.envs.video import frames_per_second
from ddpg.errors import UserError


@pytest.fixture
def headless(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setenv("MUJOCO_GL", "")  # set first, so that what the code sets is undone too
    for variable in ("MUJOCO_GL", "DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("ddpg.envs.rendering._works", lambda backend: True)
    return monkeypatch


def libraries(patch: pytest.MonkeyPatch, *found: str) -> None:
    patch.setattr(ctypes.util, "find_library", lambda name: f"lib{name}.so.1" if name in found else None)


@pytest.mark.parametrize(
    ("found", "backend"),
    [(("EGL", "GL", "OSMesa"), "egl"), (("EGL", "OSMesa"), "osmesa"), (("OSMesa",), "osmesa")],
)
def test_without_a_display_a_renderer_is_chosen(
    headless: pytest.MonkeyPatch, found: tuple[str, ...], backend: str
) -> None:
    libraries(headless, *found)
    choose_mujoco_backend()
    assert os.environ["MUJOCO_GL"] == backend


def test_without_any_renderer_the_packages_are_named(headless: pytest.MonkeyPatch) -> None:
    libraries(headless)
    assert not choose_mujoco_backend()  # training goes on
    with pytest.raises(UserError, match="libegl1 libegl-mesa0 libgl1 libgl1-mesa-dri, or libosmesa6"):
        require_mujoco_backend()


def test_a_library_without_a_device_is_passed_over(headless: pytest.MonkeyPatch) -> None:
    libraries(headless, "EGL", "GL", "OSMesa")
    headless.setattr("ddpg.envs.rendering._works", lambda backend: backend == "osmesa")
    assert choose_mujoco_backend()
    assert os.environ["MUJOCO_GL"] == "osmesa"


def test_the_users_choice_is_left_alone(headless: pytest.MonkeyPatch) -> None:
    libraries(headless, "EGL", "GL")
    headless.setenv("MUJOCO_GL", "glfw")
    headless.setenv("DISPLAY", ":0")
    assert choose_mujoco_backend()
    assert os.environ["MUJOCO_GL"] == "glfw"


def test_a_display_is_for_where_no_software_renderer_is(headless: pytest.MonkeyPatch) -> None:
    """DISPLAY may outlive its server: in tmux, in containers, after ssh -X."""
    headless.setenv("DISPLAY", ":99")
    libraries(headless)
    assert choose_mujoco_backend()
    assert "MUJOCO_GL" not in os.environ
    libraries(headless, "EGL", "GL")
    assert choose_mujoco_backend()
    assert os.environ["MUJOCO_GL"] == "egl"


@pytest.mark.parametrize(
    ("variables", "facts"),
    [
        ({"MUJOCO_GL": "bogus"}, ["MUJOCO_GL=bogus", "egl, glfw, osmesa"]),
        ({"MUJOCO_GL": "disabled"}, ["MUJOCO_GL=disabled", "egl, glfw, osmesa"]),
        ({"MUJOCO_GL": "glfw"}, ["MUJOCO_GL=glfw", "no DISPLAY", "leave MUJOCO_GL out", "apt-get install"]),
        ({"MUJOCO_GL": "osmesa"}, ["MUJOCO_GL=osmesa", "no DISPLAY", "leave MUJOCO_GL out", "apt-get install"]),
        ({"MUJOCO_GL": ""}, ["no MUJOCO_GL", "no DISPLAY", "apt-get install"]),
        ({}, ["no MUJOCO_GL", "no DISPLAY", "apt-get install"]),
    ],
)
@pytest.mark.parametrize("name", ["reacher", "dmc_cartpole_swingup"])
def test_a_missing_renderer_is_reported_before_the_env_is_built(
    headless: pytest.MonkeyPatch, name: str, variables: dict[str, str], facts: list[str]
) -> None:
    libraries(headless)
    headless.setattr("ddpg.envs.rendering._works", lambda backend: False)
    for variable, value in variables.items():
        headless.setenv(variable, value)
    headless.setattr(EnvSpec, "_build", lambda *_: pytest.fail("built"))
    for overrides, render in (["env.pixels=16"], False), ([], True):
        with pytest.raises(UserError) as caught:
            spec_of(name, *overrides).make(render=render)
        for fact in facts:
            assert fact in str(caught.value)


def test_mujoco_gl_is_checked_where_nothing_is_drawn_too(headless: pytest.MonkeyPatch) -> None:
    headless.setenv("MUJOCO_GL", "bogus")
    with pytest.raises(UserError, match=r"^MUJOCO_GL=bogus .*egl, glfw, osmesa, disabled"):
        spec_of("reacher").make()
    spec_of("pendulum").make()
    headless.setenv("MUJOCO_GL", "disabled")
    spec_of("reacher").make().reset(seed=0)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_renderer_that_fails_is_reported_with_the_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    if not has_software_renderer():
        pytest.skip("neither libEGL nor libOSMesa is installed")
    monkeypatch.setattr("mujoco.MjrContext", lambda *_: 1 / 0)
    with pytest.raises(UserError, match=r"drawing it failed: ZeroDivisionError.*MUJOCO_GL.*libegl1") as caught:
        make("reacher", "env.pixels=16")
    assert install_hint("video") not in str(caught.value)


def test_a_library_that_cannot_be_loaded_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("MUJOCO_GL", "osmesa")
    monkeypatch.setitem(sys.modules, "mujoco.osmesa", None)
    with caplog.at_level("INFO", logger="ddpg.envs.rendering"):
        assert not choose_mujoco_backend()
    assert "MUJOCO_GL=osmesa" in caplog.text
    assert "ModuleNotFoundError" in caplog.text


@pytest.mark.parametrize(
    ("name", "fps"),
    [
        ("pendulum", 20),
        ("lunarlander", 50),
        ("halfcheetah", 20),
        ("dmc_cheetah_run", 100),
        ("pybullet_hopper", 60),
    ],
)
def test_every_suite_draws_and_training_does_not_notice(name: str, fps: float) -> None:
    if name in ("pendulum", "lunarlander"):
        pytest.importorskip("pygame", reason="the extra video is not installed")
    if name in ("halfcheetah", "dmc_cheetah_run") and not has_software_renderer():
        pytest.skip("neither libEGL nor libOSMesa is installed")
    plain, drawn = make(name), make(name, render=True)
    np.testing.assert_array_equal(plain.reset(seed=0)[0], drawn.reset(seed=0)[0])
    frames = []
    for _ in range(3):
        frames.append(drawn.render())
        action = plain.action_space.high
        np.testing.assert_array_equal(plain.step(action)[0], drawn.step(action)[0])
    assert frames[0].ndim == 3
    assert frames[0].shape[2] == 3
    assert frames[0].dtype == np.uint8
    assert frames[0].std() > 1  # something is in the picture
    assert frames_per_second(drawn) == pytest.approx(fps)
    plain.close()
    drawn.close()


def test_failing_to_draw_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    env = make("pendulum", render=True)
    env.reset(seed=0)
    monkeypatch.setitem(sys.modules, "pygame", None)
    with pytest.raises(UserError, match=r"env\.id=Pendulum-v1: drawing it failed: .*ddpg\[video\]"):
        env.render()


def test_an_env_that_is_removed_leaves_the_pictures_of_another() -> None:
    if not has_software_renderer():
        pytest.skip("neither libEGL nor libOSMesa is installed")
    gc.collect()  # environments that other tests did not close
    first, second = make("hopper", render=True), make("hopper", render=True)
    first.reset(seed=0)
    first.render()
    first.close()
    second.reset(seed=0)
    before = second.render()
    del first
    gc.collect()
    np.testing.assert_array_equal(second.render(), before)
    second.close()


def test_the_renderer_of_observations(headless: pytest.MonkeyPatch) -> None:
    """None where MuJoCo does not draw them; without MUJOCO_GL gymnasium and dm_control open windows."""
    drawn = type("Drawn", (gymnasium.Env,), {"__module__": "gymnasium.envs.mujoco.drawn"})()
    drawn.observation_space = spaces.Box(0, 255, (3, 64, 64), np.uint8)
    assert renderer_of_observations(drawn) == "glfw"
    headless.setenv("MUJOCO_GL", "osmesa")
    assert renderer_of_observations(drawn) == "osmesa"
    drawn.observation_space = spaces.Box(-1, 1, (3,))
    assert renderer_of_observations(drawn) is None
    drawn.observation_space = spaces.Box(0, 255, (3, 64, 64), np.uint8)
    type(drawn).__module__ = "gymnasium.envs.box2d.car_racing"
    assert renderer_of_observations(drawn) is None
