"""Observations that are drawn, and actions that are repeated (Lillicrap 2016, section 7, learning from pixels)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces
from PIL import Image

from ddpg.envs.rendering import Frame, derives_from, draw

Picture = npt.NDArray[np.uint8]


class Pixels(gymnasium.Wrapper[Picture, Any, Any, Any]):
    """obs: what the env draws, uint8 (3, side, side): red, green, blue; a new array each time.

    `key` is how messages name the env. `render()` still gives full-size frames.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], side: int, key: str) -> None:
        super().__init__(env)
        self._side, self._key = side, f"{key} env.pixels={side}"
        self.observation_space: Any = spaces.Box(0, 255, (3, side, side), np.uint8)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Picture, dict[str, Any]]:
        _, info = self.env.reset(seed=seed, options=options)
        if derives_from(self.env, "gymnasium.envs.mujoco"):
            self._aim(self.env.unwrapped)
        return self._picture(), info

    def step(self, action: Any) -> tuple[Picture, Any, bool, bool, dict[str, Any]]:
        _, reward, terminated, truncated, info = self.env.step(action)
        return self._picture(), reward, terminated, truncated, info

    def render(self) -> Any:
        _use_own_context(self.env.unwrapped)
        return self.env.render()

    def _aim(self, own: Any) -> None:
        """Point the free camera as a new env's would be: gymnasium does it at the first frame, then never again."""
        if own.mujoco_renderer.viewer is None:
            draw(self.env, self._key)
        config = own.mujoco_renderer.default_cam_config or {}
        own.mujoco_renderer.viewer.cam.lookat[:] = config.get("lookat", np.median(own.data.geom_xpos, axis=0))

    def _picture(self) -> Picture:
        _use_own_context(self.env.unwrapped)
        with _drawn_at(self.env, self._side):
            frame = draw(self.env, self._key)
        return np.ascontiguousarray(_resized(frame, self._side).transpose(2, 0, 1))


class ActionRepeat(gymnasium.Wrapper[Any, Any, Any, Any]):
    """One action for `times` simulator steps, fewer where the episode ends; the reward is the sum of theirs.

    obs: that of the last step; with `stack`, those of all steps in order of time, joined along the first axis, so
    that no two observations share a frame. For steps that are not made, after a reset and after the episode's end, the
    only or last observation is repeated.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], times: int, stack: bool) -> None:
        super().__init__(env)
        self.action_repeat, self._stack = times, stack
        space = env.observation_space
        if stack:
            assert isinstance(space, spaces.Box)
            self.observation_space = spaces.Box(
                np.concatenate([space.low] * times), np.concatenate([space.high] * times), dtype=space.dtype.type
            )

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        obs, info = self.env.reset(seed=seed, options=options)
        return self._joined([obs]), info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        seen: list[Any] = []
        total, over = 0.0, False
        while len(seen) < self.action_repeat and not over:
            obs, reward, terminated, truncated, info = self.env.step(action.copy())  # some envs change theirs
            seen.append(obs)
            total += float(reward)
            over = bool(terminated or truncated)
        return self._joined(seen), total, bool(terminated), bool(truncated), info

    def _joined(self, seen: list[Any]) -> Any:
        if not self._stack:
            return seen[-1]
        return np.concatenate(seen + seen[-1:] * (self.action_repeat - len(seen)))


def _resized(frame: Frame, side: int) -> Frame:
    """Each pixel is the mean of the area that it covers; a frame that is no square is squeezed into one."""
    if frame.shape[:2] == (side, side):
        return frame
    return np.asarray(Image.fromarray(frame).resize((side, side), Image.Resampling.BOX))


@contextmanager
def _drawn_at(env: gymnasium.Env[Any, Any], side: int) -> Iterator[None]:
    """Meanwhile `env.render()` draws side x side pixels, if its simulator can: a small part of the work."""
    holder, changes = _size_settings(env, side)
    before = {name: getattr(holder, name) for name in changes}
    try:
        for name, value in changes.items():
            setattr(holder, name, value)
        yield
    finally:
        for name, value in before.items():
            setattr(holder, name, value)


def _size_settings(env: gymnasium.Env[Any, Any], side: int) -> tuple[Any, dict[str, Any]]:
    """The object that holds the size of the frames, and the attributes to set; none where it cannot be chosen."""
    own: Any = env.unwrapped
    if derives_from(env, "shimmy.dm_control"):
        return own, {"render_kwargs": own.render_kwargs | {"width": side, "height": side}}
    if derives_from(env, "pybullet_envs_gymnasium"):
        return own, {"_render_width": side, "_render_height": side}
    if derives_from(env, "gymnasium.envs.mujoco"):
        viewer = own.mujoco_renderer.viewer
        if side <= min(viewer.viewport.width, viewer.viewport.height):  # it is a part of the frame buffer
            return viewer, {"viewport": type(viewer.viewport)(0, 0, side, side)}
    return own, {}


def _use_own_context(own: Any) -> None:
    """gymnasium's MuJoCo tasks draw into whichever OpenGL context is current: that of the newest env."""
    viewer = getattr(getattr(own, "mujoco_renderer", None), "viewer", None)
    if viewer is not None:
        viewer.make_context_current()
