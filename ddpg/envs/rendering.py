"""Pictures of an environment: how MuJoCo draws without a display."""

import ctypes.util
import importlib
import logging
import os
import sys
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from ddpg.distribution import install_hint
from ddpg.envs.pictures import is_picture
from ddpg.envs.suites import derives_from
from ddpg.errors import UserError, typed_line

_log = logging.getLogger(__name__)

Frame = npt.NDArray[np.uint8]

#: The values of MUJOCO_GL with which something can be drawn.
RENDERERS = ("egl", "glfw", "osmesa")
#: The values that MuJoCo and dm_control also accept (mujoco's gl_context, dm_control's constants), in two groups.
ON = ("on", "enable", "enabled", "true", "1")
OFF = ("off", "disable", "disabled", "false", "0")
PACKAGES = "apt-get install libegl1 libegl-mesa0 libgl1 libgl1-mesa-dri, or libosmesa6"


def draws_with_mujoco(env: gymnasium.Env[Any, Any]) -> bool:
    """Tell whether the frames come from MuJoCo: gymnasium's tasks, what derives from them, and dm_control."""
    return derives_from(env, "gymnasium.envs.mujoco", "shimmy.dm_control")


def renderer_of_observations(env: gymnasium.Env[Any, Any]) -> str | None:
    """Return what MuJoCo draws the observations with, one of RENDERERS; None if it does not draw them."""
    if not draws_with_mujoco(env) or not is_picture(env.observation_space):
        return None
    return os.environ.get("MUJOCO_GL") or "glfw"  # the first that gymnasium and dm_control try


def draw(env: gymnasium.Env[Any, Any], key: str) -> Frame:
    """Return the frame of `env.render()`, (height, width, 3).

    Raises UserError, which begins with `key`, if rendering fails or gives no picture.
    """
    try:
        frame = np.asarray(env.render(), dtype=np.uint8)
    except Exception as error:
        raise UserError(f"{key}: drawing it failed: {typed_line(error)}{_advice(env)}") from error
    if frame.ndim != 3 or frame.shape[2] != 3:
        raise UserError(f"{key}: its render() gives an array {frame.shape}, no picture (height, width, 3)")
    return frame


def free_pictures(env: gymnasium.Env[Any, Any]) -> None:
    """Free what gymnasium's MuJoCo renderer has in the graphics library, before the env is closed.

    MuJoCo would do it when Python removes the renderer, perhaps while another env draws. The numbers that it frees then
    belong to that one, whose pictures are black from there on.
    """
    viewer = getattr(getattr(env.unwrapped, "mujoco_renderer", None), "viewer", None)
    if viewer is not None:
        viewer.make_context_current()
        viewer.con.free()


def _advice(env: gymnasium.Env[Any, Any]) -> str:
    if draws_with_mujoco(env):
        return f" ({_environment()}; {PACKAGES})"
    if derives_from(env, "gymnasium.envs.classic_control", "gymnasium.envs.box2d"):
        return f" ({install_hint('video')})"  # pygame
    return ""


def require_known_renderer(draws: bool) -> None:
    """Raise UserError if MuJoCo, dm_control or, where something is drawn, gymnasium would fail on MUJOCO_GL."""
    chosen = os.environ.get("MUJOCO_GL")
    allowed = RENDERERS if draws else (*RENDERERS, *ON, *OFF)
    if chosen and chosen not in allowed:
        others = "; leave it out, and one that works is taken" if draws else ", disabled"
        raise UserError(f"MUJOCO_GL={chosen} is not one of {', '.join(RENDERERS)}{others}")


def choose_mujoco_backend() -> bool:
    """Set MUJOCO_GL on Linux if the user left it open; return False if nothing can draw.

    EGL and OSMesa come before GLFW, because they need no display, and DISPLAY may be set where none answers (tmux,
    containers, after ssh -X). gymnasium reads the variable at the first frame, dm_control when it is imported.
    """
    chosen = os.environ.get("MUJOCO_GL")
    if chosen in ("egl", "osmesa"):
        return _works(chosen)
    if chosen == "":  # gymnasium takes it for a renderer's name
        del os.environ["MUJOCO_GL"]
    if chosen or not sys.platform.startswith("linux"):
        return _may_open_windows()
    for backend in _installed_backends():
        if _works(backend):
            os.environ["MUJOCO_GL"] = backend
            return True
    return _may_open_windows()


def require_mujoco_backend() -> None:
    """Choose a renderer; raise UserError, which says what to install, if there is none."""
    require_known_renderer(draws=True)
    if not choose_mujoco_backend():
        instead = "leave MUJOCO_GL out, or " if os.environ.get("MUJOCO_GL") else ""
        raise UserError(
            f"drawing MuJoCo needs a display or a software renderer, and none works here ({_environment()}): "
            f"{instead}{PACKAGES}"
        )


def _environment() -> str:
    names = ("MUJOCO_GL", "DISPLAY")
    return ", ".join(f"{name}={os.environ[name]}" if os.environ.get(name) else f"no {name}" for name in names)


def _may_open_windows() -> bool:
    """Tell whether a display is set; macOS and Windows always have one."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _installed_backends() -> Iterator[str]:
    find = ctypes.util.find_library
    # After a failed try of EGL, which needs one of the three beside it, PyOpenGL cannot go back to OSMesa.
    if find("EGL") and (find("OpenGL") or find("GL") or find("GLESv2")):
        yield "egl"
    if find("OSMesa"):
        yield "osmesa"


def _works(backend: str) -> bool:
    """Load MuJoCo's module for a renderer, which opens a device: a library can be there without one."""
    try:
        importlib.import_module(f"mujoco.{backend}")
    except Exception as error:  # ImportError, AttributeError or ctypes.ArgumentError, by what is missing
        _log.info("MuJoCo cannot draw with MUJOCO_GL=%s: %s", backend, typed_line(error))
        return False
    return True
