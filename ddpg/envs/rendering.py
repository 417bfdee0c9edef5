"""Pictures of an environment: how MuJoCo draws without a display, and frames into an mp4."""

import ctypes
import ctypes.util
import importlib
import os
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from ddpg.envs.quiet import hide_half_built_contexts
from ddpg.errors import UserError, typed_line

Frame = npt.NDArray[np.uint8]

#: What MUJOCO_GL may say where something is drawn; elsewhere these too (mujoco's gl_context, dm_control's constants).
RENDERERS = ("egl", "glfw", "osmesa")
ON, OFF = ("on", "enable", "enabled", "true", "1"), ("off", "disable", "disabled", "false", "0")
PACKAGES = "apt-get install libegl1 libegl-mesa0 libgl1 libgl1-mesa-dri, or libosmesa6"


def derives_from(env: gymnasium.Env[Any, Any], *packages: str) -> bool:
    """Whether the env's own class, or one that it derives from, is of one of these packages or modules."""
    return any(kind.__module__.startswith(packages) for kind in type(env.unwrapped).__mro__)


def draws_with_mujoco(env: gymnasium.Env[Any, Any]) -> bool:
    """Whether the frames come from MuJoCo: gymnasium's tasks, what derives from them, and dm_control."""
    return derives_from(env, "gymnasium.envs.mujoco", "shimmy.dm_control")


def draw(env: gymnasium.Env[Any, Any], key: str) -> Frame:
    """What `env.render()` gives, (height, width, 3). UserError, which begins with `key`, if it is no picture."""
    try:
        frame = np.asarray(env.render(), dtype=np.uint8)
    except Exception as error:
        hide_half_built_contexts()
        raise UserError(f"{key}: drawing it failed: {typed_line(error)}{_advice(env)}") from error
    if frame.ndim != 3 or frame.shape[2] != 3:
        raise UserError(f"{key}: its render() gives an array {frame.shape}, no picture (height, width, 3)")
    return frame


def _advice(env: gymnasium.Env[Any, Any]) -> str:
    if draws_with_mujoco(env):
        return f" ({_found()}; {PACKAGES})"
    if derives_from(env, "gymnasium.envs.classic_control", "gymnasium.envs.box2d"):
        return " (pip install 'ddpg[video]')"  # pygame
    return ""


def has_display() -> bool:
    """Whether a window could be opened; macOS and Windows draw without asking."""
    if not sys.platform.startswith("linux"):
        return True
    wayland = os.environ.get("WAYLAND_DISPLAY")
    if wayland and Path(os.environ.get("XDG_RUNTIME_DIR", "/"), wayland).is_socket():
        return True
    return bool(os.environ.get("DISPLAY")) and _answers(os.environ["DISPLAY"])


@cache
def _answers(display: str) -> bool:
    """Whether an X server can be spoken to: DISPLAY outlives it in tmux, in containers and after ssh -X."""
    try:
        x11 = ctypes.CDLL("libX11.so.6")
    except OSError:  # what opens windows needs it too
        return False
    x11.XOpenDisplay.argtypes, x11.XOpenDisplay.restype = [ctypes.c_char_p], ctypes.c_void_p
    x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
    connection = x11.XOpenDisplay(display.encode())
    if connection is None:
        return False
    x11.XCloseDisplay(connection)
    return True


def draw_pygame_in_memory() -> None:
    """Without a display, keep pygame (classic control, Box2D) from looking for one and complaining."""
    if not has_display():
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")


def require_known_renderer(draws: bool) -> None:
    """UserError if MUJOCO_GL says what MuJoCo, dm_control or, where something is drawn, gymnasium would fail on."""
    chosen, allowed = os.environ.get("MUJOCO_GL"), RENDERERS if draws else (*RENDERERS, *ON, *OFF)
    if chosen and chosen not in allowed:
        others = "; leave it out, and one that works is taken" if draws else ", disabled"
        raise UserError(f"MUJOCO_GL={chosen} is not one of {', '.join(RENDERERS)}{others}")


def choose_mujoco_backend() -> bool:
    """Set MUJOCO_GL on a machine without a display, where the user left it open; False if nothing can draw.

    gymnasium reads the variable at the first frame, dm_control already when it is imported.
    """
    chosen = os.environ.get("MUJOCO_GL")
    if chosen in ("egl", "osmesa"):
        return _works(chosen)
    if chosen == "":  # gymnasium takes it for a renderer's name
        del os.environ["MUJOCO_GL"]
    if chosen or has_display():
        return has_display()
    find = ctypes.util.find_library
    # PyOpenGL cannot go back to OSMesa after a failed try of EGL, which needs one of the three beside it.
    if find("EGL") and (find("OpenGL") or find("GL") or find("GLESv2")) and _works("egl"):
        os.environ["MUJOCO_GL"] = "egl"
    elif find("OSMesa") and _works("osmesa"):
        os.environ["MUJOCO_GL"] = "osmesa"
    return bool(os.environ.get("MUJOCO_GL"))


def require_mujoco_backend() -> None:
    """Choose one, or say what to install."""
    require_known_renderer(draws=True)
    if not choose_mujoco_backend():
        instead = "leave MUJOCO_GL out, or " if os.environ.get("MUJOCO_GL") else ""
        raise UserError(
            f"drawing MuJoCo needs a display or a software renderer, and none works here ({_found()}): "
            f"{instead}{PACKAGES}"
        )


def _found() -> str:
    names = ("MUJOCO_GL", "DISPLAY")
    return ", ".join(f"{name}={os.environ[name]}" if os.environ.get(name) else f"no {name}" for name in names)


def _works(backend: str) -> bool:
    """A library can be there without a device for it: loading MuJoCo's side of it opens one."""
    try:
        importlib.import_module(f"mujoco.{backend}")
    except Exception:  # ImportError, AttributeError or ctypes.ArgumentError, by what is missing
        return False
    return True


def frames_per_second(env: gymnasium.Env[Any, Any]) -> float:
    """How many agent decisions make a second of simulated time: a video of one frame for each plays at its speed.

    The control step `dt` comes first: for dm_control, shimmy's `render_fps` is 1000 dt where 1 / dt is meant.
    """
    step = getattr(env.unwrapped, "dt", None)
    per_second = 1 / step if isinstance(step, int | float) and step > 0 else env.metadata.get("render_fps") or 30
    repeat = env.get_wrapper_attr("action_repeat") if env.has_wrapper_attr("action_repeat") else 1
    return float(per_second / repeat)


def write_video(frames: Iterable[Frame], path: Path, fps: float) -> None:
    """Write frames (height, width, 3), at least one, as H.264; `path` appears when it is complete."""
    try:
        import imageio_ffmpeg
    except ModuleNotFoundError as error:
        raise UserError(f"writing {path} needs ffmpeg: pip install 'ddpg[video]'") from error
    remaining = iter(frames)
    first = next(remaining)
    unfinished = path.with_name(f"{path.stem}.part{path.suffix}")  # ffmpeg reads the format off the suffix
    writer = imageio_ffmpeg.write_frames(
        str(unfinished),
        (first.shape[1], first.shape[0]),
        fps=fps,
        macro_block_size=2,  # yuv420p needs even sides; 16, the default, would stretch 500 x 500
        ffmpeg_log_level="error",
    )
    writer.send(None)
    try:
        writer.send(np.ascontiguousarray(first))
        for frame in remaining:
            writer.send(np.ascontiguousarray(frame))
    finally:
        writer.close()
    unfinished.replace(path)
