"""Pictures that an environment gives as its observations: which they are, and in the form that convolutions take."""

from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from ddpg.envs.returned import Picture, picture_reader, reset_values, step_values
from ddpg.errors import UserError

#: Pixels that a picture has at least on each side; what is smaller is a grid of numbers.
SMALLEST_SIDE = 8

#: How a vector is made of observations of any shape.
FLATTEN = "'env.wrappers=[{_target_: gymnasium.wrappers.FlattenObservation}]'"


class ChannelsFirst(gymnasium.Wrapper[Picture, Any, Any, Any]):
    """Gives pictures as uint8 (channels, height, width), a new array each time.

    The env may give its channels last, as gymnasium's do, or first, or none. Pictures that are stacked along a further
    axis in front, as by `gymnasium.wrappers.FrameStackObservation`, become further channels.
    """

    def __init__(self, env: gymnasium.Env[Any, Any]) -> None:
        super().__init__(env)
        assert isinstance(env.observation_space, spaces.Box)
        shape = env.observation_space.shape
        self._read = picture_reader(shape)
        self._gray = len(shape) == 2
        self._channels_last = len(shape) > 2 and shape[-3] >= shape[-1]
        arranged = self._arranged(env.observation_space.sample())
        self.observation_space: Any = spaces.Box(0, 255, arranged.shape, np.uint8)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Picture, dict[str, Any]]:
        obs, info = reset_values(self.env.reset(seed=seed, options=options))
        return self._arranged(self._read(obs)), info

    def step(self, action: Any) -> tuple[Picture, float, bool, bool, dict[str, Any]]:
        obs, reward, terminated, truncated, info = step_values(self.env.step(action))
        return self._arranged(self._read(obs)), reward, terminated, truncated, info

    def _arranged(self, obs: Picture) -> Picture:
        if self._gray:
            obs = obs[np.newaxis]
        if self._channels_last:
            obs = np.moveaxis(obs, -1, -3)
        height, width = obs.shape[-2:]
        return np.array(obs, order="C").reshape(-1, height, width)


def is_picture(space: spaces.Space[Any]) -> bool:
    """Tell whether observations are pictures of bytes, one or several that are stacked."""
    if not isinstance(space, spaces.Box) or space.dtype != np.uint8 or len(space.shape) < 2:
        return False
    return bool(_sides(space.shape) >= SMALLEST_SIDE and (space.low == 0).all() and (space.high == 255).all())


def require_learnable(space: spaces.Space[Any], key: str) -> None:
    """Raise UserError for observations of which no network makes sense: texts, and pictures among numbers or of floats.

    The message begins with `key` and says which wrapper helps.
    """
    for path, part in _parts(space):
        what = _obstacle(part, alone=not path)
        if what is not None:
            place = f"a {type(space).__name__} in which {'.'.join(map(str, path))} is " if path else ""
            raise UserError(f"{key}: its observations are {place}{what}{_way_out(space)}")


def _obstacle(space: spaces.Space[Any], alone: bool) -> str | None:
    """Describe observations that cannot be learned from; None for others. A picture is one if it is not `alone`."""
    if isinstance(space, spaces.Text):
        return "text"
    if not isinstance(space, spaces.Box):
        return None
    shape = " x ".join(map(str, space.shape))
    if is_picture(space):
        return None if alone else f"a picture ({shape})"
    if len(space.shape) > 2 and _sides(space.shape) >= SMALLEST_SIDE:
        return f"{shape} numbers of {space.dtype} in [{space.low.min():g}, {space.high.max():g}]"
    return None


def _way_out(space: spaces.Space[Any]) -> str:
    if isinstance(space, spaces.Box):
        return f"; as pictures they have to be uint8 in [0, 255], and a vector is made of them by {FLATTEN}"
    learnable = [str(name) for name, entry in _entries(space) if _is_learnable(entry)]
    if not learnable:
        return "; networks take numbers, or one picture"
    wrapper = f"{{_target_: gymnasium.wrappers.FilterObservation, filter_keys: [{', '.join(learnable)}]}}"
    return f"; networks take numbers, or one picture: 'env.wrappers=[{wrapper}]' keeps the numbers"


def _is_learnable(space: spaces.Space[Any]) -> bool:
    return all(_obstacle(part, alone=False) is None for _, part in _parts(space))


def _sides(shape: tuple[int, ...]) -> int:
    """Return the shorter side of the pictures that a shape would have."""
    if len(shape) == 2:
        return min(shape)
    return min(shape[-3:-1]) if shape[-3] >= shape[-1] else min(shape[-2:])


def _entries(space: spaces.Space[Any]) -> list[tuple[Any, spaces.Space[Any]]]:
    if isinstance(space, spaces.Dict):
        return list(space.items())
    return list(enumerate(space.spaces)) if isinstance(space, spaces.Tuple) else []


def _parts(space: spaces.Space[Any]) -> Iterator[tuple[list[Any], spaces.Space[Any]]]:
    """Yield the spaces that a space is composed of, each with its keys from the outside in."""
    if not isinstance(space, spaces.Dict | spaces.Tuple):
        yield [], space
    for name, entry in _entries(space):
        yield from (([name, *path], part) for path, part in _parts(entry))
