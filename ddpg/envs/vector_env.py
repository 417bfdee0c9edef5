"""The one form of every environment for training: float32 vectors in and out, or uint8 pictures in."""

import logging
from collections.abc import Callable
from typing import Any, NoReturn

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ddpg.envs.rendering import Frame, draw, free_pictures
from ddpg.envs.returned import (
    STEP,
    ReturnError,
    Vector,
    failed_to_unpack,
    observation_reader,
    reset_values,
    step_values,
)
from ddpg.errors import UserError, one_line, typed_line
from ddpg.interrupt import Interrupted

#: The size from which a bound means that there is none: MuJoCo's mjMAXVAL, which dm_control gives as bounds.
UNBOUNDED = 1e10

_log = logging.getLogger(__name__)

Obs = Vector | npt.NDArray[np.uint8]


class VectorEnv(gymnasium.Wrapper[Obs, Any, Any, Any]):
    """Turns observations into float32 (obs_dim,), a new array each time, and takes actions as float32 (action_dim,).

    Actions are in the env's own units. With `pictures`, observations stay as they are: uint8 (channels, height, width).
    Rewards become Python floats, flags Python bools. Anything that `ddpg.envs.returned` refuses, and whatever the env
    raises, is a UserError in one line that begins with `key`.
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
        self._read: Callable[[Any], Obs] = _unchanged
        self.observation_space: Any = env.observation_space
        if not pictures:
            self._read = _vector_reader(env.observation_space, key)
            size = spaces.flatdim(env.observation_space)
            self.observation_space = spaces.Box(-np.inf, np.inf, (size,), np.float32)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Obs, dict[str, Any]]:
        try:
            obs, info = reset_values(self.env.reset(seed=seed, options=options))
            return self._read(obs), info
        except BaseException as error:  # simulators raise what they like, those in Rust what is no Exception
            self._explain("reset", error)

    def step(self, action: Vector) -> tuple[Obs, float, bool, bool, dict[str, Any]]:
        if action.shape != self._low.shape:
            raise UserError(f"{self._key}: step got an action of shape {action.shape}; expected {self._low.shape}")
        # The env gets a copy, because some keep or change their argument and the replay buffer stores `action`.
        # It is clipped to the last bit, because center + scale is not always high.
        bounded = np.minimum(np.maximum(action, self._low), self._high)
        own = bounded.astype(self._action_dtype).reshape(self._action_shape)
        try:
            obs, reward, terminated, truncated, info = step_values(self.env.step(own))
            return self._read(obs), reward, terminated, truncated, info
        except BaseException as error:
            self._explain("step", error)

    def close(self) -> None:
        """Close the env; one that fails in it is done with all the same, and a warning says so."""
        close(self.env, self._key)

    def _explain(self, method: str, error: BaseException) -> NoReturn:
        """Raise UserError for what a method of the env has raised or returned."""
        # drawing the observation failed, and says so; or it is a signal
        if isinstance(error, UserError | KeyboardInterrupt | Interrupted):
            raise error
        if isinstance(error, ReturnError):
            raise UserError(f"{self._key}: {method} returned {error}") from None
        if isinstance(error, SystemExit):
            raise UserError(f"{self._key}: {method} ended the program by sys.exit({error.code!r})") from error
        if failed_to_unpack(error):
            raise UserError(f"{self._key}: {method} returned something else than {STEP}: {one_line(error)}") from None
        raise UserError(f"{self._key}: the simulator failed in {method}: {typed_line(error)}") from error

    def render(self) -> Frame:
        """Return one frame, uint8 (height, width, 3)."""
        return draw(self.env, self._key)


def close(env: gymnasium.Env[Any, Any], key: str) -> None:
    """Close an env; where that fails, a warning says so, and whatever else goes on does."""
    try:
        try:
            free_pictures(env)
        finally:
            env.close()
    except (Exception, SystemExit) as error:
        _log.warning("%s: close failed: %s", key, typed_line(error))


def _unchanged(obs: Obs) -> Obs:
    return obs


def _continuous(space: spaces.Space[Any], key: str) -> spaces.Box:
    if not isinstance(space, spaces.Box) or not np.issubdtype(space.dtype, np.floating):
        raise UserError(f"{key}: its actions are {space}; DDPG needs continuous actions (a Box of floats)")
    if 0 in space.shape:
        raise UserError(f"{key}: its actions are {space}, of no dimension at all; DDPG needs at least one")
    low = space.low.ravel()
    high = space.high.ravel()
    bounded = (np.abs(low) < UNBOUNDED) & (np.abs(high) < UNBOUNDED)  # which NaN is not
    for wrong, expected in ((~bounded, f"bounds below {UNBOUNDED:g} in size"), (low > high, "low <= high")):
        if wrong.any():
            first = int(np.flatnonzero(wrong)[0])
            raise UserError(
                f"{key}: action dimension {first} (of {low.size}) has the bounds [{low[first]:g}, {high[first]:g}]; "
                f"DDPG scales its actions to finite bounds: expected {expected}"
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
    low32 = np.minimum(low32, high32)  # where no float32 lies between the bounds
    return spaces.Box(low32, high32, dtype=np.float32)


def _vector_reader(space: Any, key: str) -> Callable[[Any], Vector]:
    if not isinstance(space, spaces.Space) or not space.is_np_flattenable:
        raise UserError(f"{key}: its observations are {space}, which cannot be flattened to a vector")
    if not spaces.flatdim(space):
        raise UserError(f"{key}: its observations are {space}, which hold no number; a constant one is enough")
    return observation_reader(space)
