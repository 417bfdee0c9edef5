"""The one form of every environment for training: float32 vectors in and out, or uint8 pictures in."""

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ddpg.envs.rendering import Frame, draw
from ddpg.errors import UserError, typed_line

Vector = npt.NDArray[np.float32]
Obs = npt.NDArray[np.float32] | npt.NDArray[np.uint8]


class VectorEnv(gymnasium.Wrapper[Obs, Any, Any, Any]):
    """Turns observations into float32 (obs_dim,), a new array each time, and takes actions as float32 (action_dim,).

    Actions are in the env's own units. With `pictures`, observations stay as they are: uint8 (channels, height, width).
    Rewards become Python floats, flags Python bools. Messages name the env by `key`.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], *, key: str, pictures: bool) -> None:
        super().__init__(env)
        self._key = key
        actions = _continuous(env.action_space, key)
        self._action_shape = actions.shape
        self._action_dtype = actions.dtype
        bounds = _float32_box(actions)
        self.action_space: Any = bounds
        self._low = bounds.low
        self._high = bounds.high
        self._shaped: Callable[[Any], Obs] = _unchanged
        self.observation_space: Any = env.observation_space
        if not pictures:
            self._shaped = _flattener(env.observation_space, key)
            size = spaces.flatdim(env.observation_space)
            self.observation_space = spaces.Box(-np.inf, np.inf, (size,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Obs, dict[str, Any]]:
        try:
            obs, info = self.env.reset(seed=seed, options=options)
        except UserError:  # drawing the observation failed, and says so
            raise
        except Exception as error:
            raise self._failed("reset", error) from error
        shaped = self._shaped(obs)
        if shaped.shape != self.observation_space.shape:
            raise UserError(
                f"{self._key}: reset returned an observation of {shaped.size} numbers, "
                f"its observation_space has {spaces.flatdim(self.env.observation_space)}"
            )
        return shaped, info

    def step(self, action: Vector) -> tuple[Obs, float, bool, bool, dict[str, Any]]:
        # The env gets a copy, because some keep or change their argument and the replay buffer stores `action`.
        # It is clipped to the last bit, because center + scale is not always high.
        bounded = np.minimum(np.maximum(action, self._low), self._high)
        own = bounded.astype(self._action_dtype).reshape(self._action_shape)
        try:
            obs, reward, terminated, truncated, info = self.env.step(own)
        except UserError:
            raise
        except Exception as error:  # simulators raise what they like
            raise self._failed("step", error) from error
        return self._shaped(obs), float(reward), bool(terminated), bool(truncated), info

    def _failed(self, where: str, error: Exception) -> UserError:
        return UserError(f"{self._key}: the simulator failed in {where}: {typed_line(error)}")

    def render(self) -> Frame:
        """Return one frame, uint8 (height, width, 3)."""
        return draw(self.env, self._key)


def _unchanged(obs: Obs) -> Obs:
    return obs


def _continuous(space: spaces.Space[Any], key: str) -> spaces.Box:
    if not isinstance(space, spaces.Box) or not np.issubdtype(space.dtype, np.floating):
        raise UserError(f"{key}: its actions are {space}; DDPG needs continuous actions (a Box of floats)")
    with np.errstate(over="ignore"):
        span = space.high.ravel().astype(np.float32) - space.low.ravel().astype(np.float32)
    endless = np.flatnonzero(~np.isfinite(span))
    if endless.size:
        first = int(endless[0])
        raise UserError(
            f"{key}: action dimension {first} (of {span.size}) has the bounds [{space.low.ravel()[first]:g}, "
            f"{space.high.ravel()[first]:g}]; DDPG scales its actions to finite bounds"
        )
    return space


def _float32_box(space: spaces.Box) -> spaces.Box:
    """Round the bounds inwards to float32 vectors, so that they lie within the env's float64 bounds."""
    low = space.low.ravel()
    high = space.high.ravel()
    low32 = low.astype(np.float32)
    high32 = high.astype(np.float32)
    low32 = np.where(low32 < low, np.nextafter(low32, np.float32(np.inf)), low32)
    high32 = np.where(high32 > high, np.nextafter(high32, np.float32(-np.inf)), high32)
    return spaces.Box(low32, high32, dtype=np.float32)


def _flattener(space: spaces.Space[Any], key: str) -> Callable[[Any], Vector]:
    """Return a function from an observation to a new float32 vector, in the order of `gymnasium.spaces.flatten`."""
    if isinstance(space, spaces.Box):
        return lambda obs: np.array(obs, dtype=np.float32).ravel()
    if isinstance(space, spaces.Dict) and all(isinstance(part, spaces.Box) for part in space.values()):
        names = tuple(space.keys())
        return lambda obs: np.concatenate([obs[name] for name in names], axis=None, dtype=np.float32)
    if not space.is_np_flattenable:
        raise UserError(f"{key}: its observations are {space}, which cannot be flattened to a vector")
    return lambda obs: np.array(spaces.flatten(space, obs), dtype=np.float32)
