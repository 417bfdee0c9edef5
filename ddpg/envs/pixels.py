"""Pictures as observations, and repeated actions (Lillicrap 2016, section 7, learning from pixels)."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from PIL import Image

from ddpg.envs.rendering import Frame, draw
from ddpg.envs.returned import Picture, reset_values, step_values
from ddpg.envs.suites import derives_from


class Pixels(gymnasium.Wrapper[Picture, Any, Any, Any]):
    """Observes what the env draws: uint8 (3, side, side), the channels red, green, blue; a new array each time.

    Messages name the env by `key`. `render()` still gives full-size frames.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], side: int, key: str) -> None:
        super().__init__(env)
        self._side = side
        self._key = f"{key} env.pixels={side}"
        self.observation_space: Any = spaces.Box(0, 255, (3, side, side), np.uint8)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Picture, dict[str, Any]]:
        _, info = reset_values(self.env.reset(seed=seed, options=options))
        if derives_from(self.env, "gymnasium.envs.mujoco"):
            self._aim_camera(self.env.unwrapped)
        return self._picture(), info

    def step(self, action: Any) -> tuple[Picture, float, bool, bool, dict[str, Any]]:
        _, reward, terminated, truncated, info = step_values(self.env.step(action))
        return self._picture(), reward, terminated, truncated, info

    def render(self) -> Any:
        _use_own_context(self.env.unwrapped)
        return self.env.render()

    def _aim_camera(self, innermost: Any) -> None:
        """Point the free camera as that of a new env; gymnasium does it at the first frame and never again."""
        renderer = innermost.mujoco_renderer
        if renderer.viewer is None:
            draw(self.env, self._key)
        config = renderer.default_cam_config or {}
        center = np.median(innermost.data.geom_xpos, axis=0)
        renderer.viewer.cam.lookat[:] = config.get("lookat", center)

    def _picture(self) -> Picture:
        _use_own_context(self.env.unwrapped)
        with _drawn_at(self.env, self._side):
            frame = draw(self.env, self._key)
        return np.ascontiguousarray(_resized(frame, self._side).transpose(2, 0, 1))


class ActionRepeat(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Takes each action for `times` simulator steps, or fewer if the episode ends, and sums their rewards.

    The observation is that of the last step. With `stack` it is the observations of all steps in order of time,
    joined along the first axis, so that no two observations share a frame. In the place of steps that are not made,
    after a reset and after the end of an episode, the only or last observation is repeated.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], times: int, stack: bool) -> None:
        super().__init__(env)
        self.action_repeat = times
        self._stack = stack
        space = env.observation_space
        if stack:
            assert isinstance(space, spaces.Box)
            low = np.concatenate([space.low] * times)
            high = np.concatenate([space.high] * times)
            self.observation_space = spaces.Box(low, high, dtype=space.dtype.type)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        obs, info = reset_values(self.env.reset(seed=seed, options=options))
        return self._joined([obs]), info

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observations: list[Any] = []
        total = 0.0
        over = False
        while len(observations) < self.action_repeat and not over:
            # Each step gets a copy, because some environments change the action that they get.
            obs, reward, terminated, truncated, info = step_values(self.env.step(action.copy()))
            observations.append(obs)
            total += reward
            over = terminated or truncated
        return self._joined(observations), total, terminated, truncated, info

    def _joined(self, observations: list[Any]) -> Any:
        if not self._stack:
            return observations[-1]
        missing = self.action_repeat - len(observations)
        return np.concatenate(observations + observations[-1:] * missing)


def _resized(frame: Frame, side: int) -> Frame:
    """Make each pixel the mean of the area that it covers; a frame that is no square is squeezed into one."""
    if frame.shape[:2] == (side, side):
        return frame
    return np.asarray(Image.fromarray(frame).resize((side, side), Image.Resampling.BOX))


@contextmanager
def _drawn_at(env: gymnasium.Env[Any, Any], side: int) -> Iterator[None]:
    """Let `env.render()` draw side x side pixels, which saves most of the work, if the simulator can."""
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
    """Return the object that holds the size of the frames, and the attributes to set for `side`.

    There is none where the size is fixed when the env is made; such frames are scaled down. PyBullet's attributes are
    private, because it offers no other way.
    """
    innermost: Any = env.unwrapped
    if derives_from(env, "shimmy.dm_control"):
        return innermost, {"render_kwargs": innermost.render_kwargs | {"width": side, "height": side}}
    if derives_from(env, "pybullet_envs_gymnasium"):
        return innermost, {"_render_width": side, "_render_height": side}
    if derives_from(env, "gymnasium.envs.mujoco"):
        viewer = innermost.mujoco_renderer.viewer
        if side <= min(viewer.viewport.width, viewer.viewport.height):  # it is a part of the frame buffer
            return viewer, {"viewport": type(viewer.viewport)(0, 0, side, side)}
    return innermost, {}


def _use_own_context(innermost: Any) -> None:
    """Make the OpenGL context of a MuJoCo task of gymnasium current, because it draws into that of the newest env."""
    viewer = getattr(getattr(innermost, "mujoco_renderer", None), "viewer", None)
    if viewer is not None:
        viewer.make_context_current()
