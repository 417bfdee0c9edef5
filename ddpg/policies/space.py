"""The space of observations or of actions: shape, number format and bounds, as JSON can have them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ddpg.errors import UserError

#: One number for all dimensions, or nested lists of numbers; None where there is no bound.
Bound = float | None | Sequence[Any]


@dataclass(frozen=True)
class Space:
    """Arrays of one shape, one number format and between bounds, like `gymnasium.spaces.Box`."""

    shape: tuple[int, ...]
    dtype: str
    low: Bound
    high: Bound

    @classmethod
    def of(cls, box: Any) -> "Space":
        """Describe a Box, or anything else with its `shape`, `dtype`, `low` and `high`."""
        shape = tuple(int(length) for length in box.shape)
        return cls(shape, np.dtype(box.dtype).name, _plain(box.low), _plain(box.high))

    def bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Return the lower and the upper bounds, each an array of the shape, infinite where there is no bound.

        Raises ValueError or TypeError if the bounds are not numbers for this shape.
        """
        return self._array(self.low, -np.inf), self._array(self.high, np.inf)

    def half_ranges(self) -> np.ndarray:
        """Return half the distance of the bounds; 1 where a dimension has no range, so that it can divide."""
        low, high = self.bounds()
        half = (high.astype(np.float64) - low) / 2
        return np.where(half > 0, half, 1)

    def require_same(self, box: Any, kind: str, name: str) -> None:
        """Raise UserError unless a Box is this space.

        Args:
            box: the Box.
            kind: "observations" or "actions".
            name: how the message calls the environment.
        """
        found = Space.of(box)
        if found != self:
            raise UserError(f"{name} has {kind} of {found}; the policy was trained on {self}")

    def __str__(self) -> str:
        shape = " x ".join(map(str, self.shape))
        noun = "number" if self.shape == (1,) else "numbers"
        return f"{shape} {noun} ({self.dtype}, {_words(self.low, '-inf')} to {_words(self.high, 'inf')})"

    def _array(self, bound: Bound, infinite: float) -> np.ndarray:
        numbers = np.array(bound, dtype=object)
        filled = np.where(numbers == np.array(None), infinite, numbers).astype(np.float64)
        with np.errstate(over="ignore"):
            return np.broadcast_to(filled, self.shape).astype(self.dtype)


def _plain(bound: Any) -> Bound:
    """Return bounds as JSON has them: one number if all are equal, None for infinity."""
    numbers = np.asarray(bound, dtype=np.float64)
    if (numbers == numbers.flat[0]).all():
        return _number(float(numbers.flat[0]))
    return _nested(numbers.tolist())


def _nested(numbers: Any) -> Any:
    return [_nested(number) for number in numbers] if isinstance(numbers, list) else _number(numbers)


def _number(number: float) -> float | None:
    return number if np.isfinite(number) else None


def _words(bound: Bound, infinite: str) -> str:
    if bound is None:
        return infinite
    if isinstance(bound, float | int):
        return f"{bound:g}"
    words = ", ".join(_words(part, infinite) for part in bound)
    return f"[{words}]"
