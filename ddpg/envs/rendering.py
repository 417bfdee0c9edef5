"""Pictures of an environment: how MuJoCo draws without a display, and frames into an mp4."""

import ctypes.util
import importlib
import os
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt

from ddpg.errors import UserError

Frame = npt.NDArray[np.uint8]


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
        line = " ".join(str(error).split())
        raise UserError(
            f"{key}: drawing it failed: {type(error).__name__}: {line} "
            "(`pip install 'ddpg[video]'`; without a display MuJoCo needs MUJOCO_GL=egl or osmesa)"
        ) from error
    if frame.ndim != 3 or frame.shape[2] != 3:
        raise UserError(f"{key}: its render() gives an array {frame.shape}, no picture (height, width, 3)")
    return frame


def has_display() -> bool:
    """Whether a window could be opened; macOS and Windows draw without asking."""
    if not sys.platform.startswith("linux"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def draw_pygame_in_memory() -> None:
    """Without a display, keep pygame (classic control, Box2D) from looking for one and complaining."""
    if not has_display():
        os.environ.setdefault("SDL_VIDEODRIVER", "dummy")


def choose_mujoco_backend() -> bool:
    """Set MUJOCO_GL on a machine without a display, where the user left it open; False if nothing can draw.

    gymnasium reads the variable at the first frame, dm_control already when it is imported.
    """
    if os.environ.get("MUJOCO_GL") or has_display():
        return True
    find = ctypes.util.find_library
    # PyOpenGL cannot go back to OSMesa after a failed try of EGL, which needs one of the three beside it.
    if find("EGL") and (find("OpenGL") or find("GL") or find("GLESv2")) and _works("egl"):
        os.environ["MUJOCO_GL"] = "egl"
    elif find("OSMesa") and _works("osmesa"):
        os.environ["MUJOCO_GL"] = "osmesa"
    return bool(os.environ.get("MUJOCO_GL"))


def require_mujoco_backend() -> None:
    """Choose one, or say what to install."""
    if not choose_mujoco_backend():
        raise UserError(
            "drawing MuJoCo needs a display or a software renderer, and neither works here: "
            "apt-get install libegl1 libegl-mesa0 libgl1 libgl1-mesa-dri, or libosmesa6"
        )


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
