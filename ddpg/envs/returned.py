"""The one place where the values that an environment returns are checked and converted.

A value whose meaning is clear is accepted in another form too: a reward or a flag as an array of one element, an
observation as a list, as a tensor or with further axes of length 1. Anything else is refused.
"""

import traceback
from collections.abc import Callable, Mapping, Sequence
from numbers import Real
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import numpy.typing as npt
from gymnasium import spaces

from ddpg.errors import typed_line

Vector = npt.NDArray[np.float32]
Picture = npt.NDArray[np.uint8]
Shape = tuple[int, ...]

#: The largest number of float32, in which rewards are stored.
LARGEST = float(np.finfo(np.float32).max)
#: The values of `reset` and `step` since gymnasium 0.26.
RESET = "a pair (obs, info)"
STEP = "five values (obs, reward, terminated, truncated, info)"
#: numpy's letters for booleans, whole numbers with and without a sign, and floats.
_NUMBERS = "biuf"


class ReturnError(Exception):
    """Says what an environment returned and what was expected; the text follows the words `step returned`."""


def reset_values(returned: Any) -> tuple[Any, Any]:
    """Return the observation and the info that `reset` returned; raise ReturnError if it is no such pair."""
    if not isinstance(returned, tuple) or len(returned) != 2:
        raise ReturnError(f"{_described(returned)}; expected {RESET}")
    return returned


def step_values(returned: Any) -> tuple[Any, float, bool, bool, Any]:
    """Return the values of a `step`, the reward as a float and the flags as bools; the observation as it came.

    Raises ReturnError for a reward that is no finite number of float32, and for flags that are neither true nor false.
    """
    if not isinstance(returned, tuple) or len(returned) != 5:
        raise ReturnError(f"{_described(returned)}; expected {STEP}")
    obs, reward, terminated, truncated, info = returned
    return obs, _reward(reward), _flag("terminated", terminated), _flag("truncated", truncated), info


def failed_to_unpack(error: BaseException) -> bool:
    """Tell whether a wrapper of gymnasium failed because `step` did not return five values."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return "unpack" in str(error) and Path(gymnasium.__file__).parent in Path(place.filename).parents


def one_number(value: Any) -> float | None:
    """Return the number that a value is or holds as its only element, or None; ReturnError if it is no array."""
    if isinstance(value, Real):
        return float(value)
    array = _array(value)
    return float(array.item()) if array.size == 1 and array.dtype.kind in _NUMBERS else None


def observation_reader(space: spaces.Space[Any]) -> Callable[[Any], Vector]:
    """Return a function from an observation of `space` to a new finite vector, as `gymnasium.spaces.flatten` orders it.

    It raises ReturnError for an observation that does not fit the space. `space` has to be flattenable.
    """
    flat = _flattener(space)
    zeros = np.zeros(spaces.flatdim(space), np.float32)

    def read(obs: Any) -> Vector:
        with np.errstate(over="ignore", invalid="ignore"):
            vector = flat(obs, np.float32)
            # 0 times NaN or infinity is not 0; faster than numpy's isfinite
            if zeros.dot(vector) == 0:
                return vector
        place = int(np.flatnonzero(~np.isfinite(vector))[0])
        raise ReturnError(
            f"an observation with {flat(obs, np.float64)[place]} at place {place} of {vector.size}; "
            "expected numbers that are finite in float32"
        )

    return read


def picture_reader(shape: Shape) -> Callable[[Any], Picture]:
    """Return a function from an observation to an array of bytes of this shape; it raises ReturnError for another."""

    def read(obs: Any) -> Picture:
        picture = _numbers(obs, shape, "the observation").reshape(shape)
        if picture.dtype != np.uint8:
            raise ReturnError(f"{_described(obs)} as the observation; expected a picture of uint8")
        return picture

    return read


def _reward(reward: Any) -> float:
    number = reward if isinstance(reward, float) else one_number(reward)
    if number is None:
        raise ReturnError(f"{_described(reward)} as the reward; expected one number")
    if not -LARGEST <= number <= LARGEST:
        raise ReturnError(f"{number} as the reward; expected a number that is finite in float32")
    return float(number)


def _flag(name: str, flag: Any) -> bool:
    if flag is True or flag is False:
        return flag
    number = one_number(flag)
    if number not in (0, 1):
        raise ReturnError(f"{_described(flag)} as {name}; expected True or False")
    return bool(number)


def _array(value: Any) -> npt.NDArray[Any]:
    """Make an array, of a tensor that has a gradient or lies on a GPU too."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    try:
        return np.asarray(value)
    except Exception as error:  # lists of different lengths, or whatever a class of the environment's own raises
        raise ReturnError(f"{_described(value)}, which is no array ({typed_line(error)})") from error


def _flattener(space: spaces.Space[Any]) -> Callable[[Any, Any], npt.NDArray[Any]]:
    """Return a function from an observation and a type of numbers to a new vector of that type."""
    if isinstance(space, spaces.Box):
        return lambda obs, dtype: _numbers(obs, space.shape, "the observation").astype(dtype).ravel()
    if isinstance(space, spaces.Dict) and all(isinstance(part, spaces.Box) for part in space.values()):
        parts = [(name, part.shape, f"{name} of the observation") for name, part in space.items()]
        return lambda obs, dtype: np.concatenate(_parts(obs, parts), axis=None, dtype=dtype)
    return lambda obs, dtype: _flattened(space, obs).astype(dtype)


def _numbers(obs: Any, shape: Shape, name: str) -> npt.NDArray[Any]:
    """Return an array of numbers of this shape, but for axes of length 1."""
    array = obs if type(obs) is np.ndarray else _array(obs)
    if array.dtype.kind not in _NUMBERS:
        raise ReturnError(f"{_described(obs)} as {name}; expected numbers of shape {shape}")
    if array.shape != shape and _without_ones(array.shape) != _without_ones(shape):
        raise ReturnError(f"an array of shape {array.shape} as {name}; expected shape {shape}")
    return array


def _without_ones(shape: Shape) -> list[int]:
    return [length for length in shape if length != 1]


def _parts(obs: Any, parts: Sequence[tuple[str, Any, str]]) -> list[npt.NDArray[Any]]:
    """Return the entries of a dictionary of arrays; `parts` has the key, shape and description of each."""
    try:
        return [_numbers(obs[key], shape, name) for key, shape, name in parts]
    except (KeyError, IndexError, TypeError) as error:
        keys = ", ".join(key for key, _, _ in parts)
        came = f"a dictionary of {', '.join(map(str, obs))}" if isinstance(obs, Mapping) else _described(obs)
        raise ReturnError(f"{came} as the observation; expected a dictionary of {keys}") from error


def _flattened(space: spaces.Space[Any], obs: Any) -> npt.NDArray[Any]:
    try:
        vector = np.asarray(spaces.flatten(space, obs))
    except Exception as error:  # gymnasium's function checks nothing itself
        raise ReturnError(
            f"{_described(obs)} as the observation, which does not fit {space}: {typed_line(error)}"
        ) from error
    size = spaces.flatdim(space)
    if vector.shape != (size,):
        raise ReturnError(f"an observation of {vector.size} numbers; expected {size}, as {space} has")
    return vector


def _described(value: Any) -> str:
    """Describe a value in a few words: an array by its shape and type, another by its text."""
    shape = getattr(value, "shape", None)
    if shape is not None and shape != ():
        return f"an array of shape {tuple(shape)} and type {getattr(value, 'dtype', 'unknown')}"
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else f"{type(value).__name__} {text[:60]}..."
