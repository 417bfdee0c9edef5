"""The space of a study: keys with options or numbers, and where each of them is part of a trial."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

Value = str | int | float
#: Significant digits of a number that is drawn.
DIGITS = 4
#: Where in an interval a value is tried beside its ends: no whole number in any usual interval.
INSIDE = 0.6180339887


@dataclass(frozen=True)
class Choice:
    """A key with some options, each as the word that stands behind KEY=."""

    key: str
    text: str
    options: tuple[str, ...]

    def word(self, value: Value) -> str:
        """Return the override that sets a value."""
        return f"{self.key}={value}"

    def samples(self) -> list[Value]:
        """Return the values with which the key is checked: all of them."""
        return list(self.options)

    def contains(self, other: "Dimension") -> bool:
        """Whether every value of another dimension is one of this."""
        return isinstance(other, Choice) and set(other.options) <= set(self.options)


@dataclass(frozen=True)
class Number:
    """A key with numbers from `low` to `high`, both included.

    Args:
        key: the key.
        text: how it was written.
        low: the smallest value.
        high: the largest value.
        step: the distance of two values; None for all numbers, or all whole numbers.
        log: whether equal ratios are equally likely, not equal differences.
        whole: whether the values are whole numbers.
    """

    key: str
    text: str
    low: float
    high: float
    step: float | None
    log: bool
    whole: bool

    def word(self, value: Value) -> str:
        """Return the override that sets a value."""
        return f"{self.key}={value!r}"

    def samples(self) -> list[Value]:
        """Return the values with which the key is checked: both ends, and one between them."""
        between = self.low + INSIDE * (self.high - self.low)
        if self.step is not None:
            between = self.low + self.step * ((between - self.low) // self.step)
        ends = (self.low, self.high, between)
        return [round(value) for value in ends] if self.whole else list(ends)

    def contains(self, other: "Dimension") -> bool:
        """Whether every value of another dimension is one of this."""
        if not isinstance(other, Number) or (other.log, other.whole) != (self.log, self.whole):
            return False
        same_grid = self.step is None or (self.step == other.step and (other.low - self.low) % self.step == 0)
        return same_grid and self.low <= other.low and other.high <= self.high


Dimension = Choice | Number


def rounded(drawn: float, dimension: Number) -> float:
    """Round a value within its bounds: more digits would say nothing, and could not be read in the name of a run.

    It keeps DIGITS of its own or of the width of its interval, whichever is finer.
    """
    finest = min(abs(drawn), dimension.high - dimension.low)
    if finest == 0:
        return drawn
    near = round(drawn, DIGITS - 1 - math.floor(math.log10(finest)))
    return min(max(near, dimension.low), dimension.high)


@dataclass(frozen=True)
class Space:
    """Where a study searches.

    Args:
        dimensions: the keys that vary; one that decides about another comes before it.
        conditions: for a key the (key, option) pairs one of which must have been chosen; keys without are always there.
        fixed: the words that all trials have in common.
    """

    dimensions: tuple[Dimension, ...]
    conditions: Mapping[str, tuple[tuple[str, str], ...]]
    fixed: tuple[str, ...]

    def is_active(self, key: str, values: Mapping[str, Value]) -> bool:
        """Whether a key is part of a trial that has these values so far."""
        pairs = self.conditions.get(key, ())
        return not pairs or any(values.get(parent) == option for parent, option in pairs)

    def words(self, values: Mapping[str, Value]) -> list[str]:
        """Return the overrides of a trial: the common ones, then its own."""
        return [*self.fixed, *self.own_words(values)]

    def own_words(self, values: Mapping[str, Value]) -> list[str]:
        """Return the overrides of a trial that are not common to all."""
        return [dimension.word(values[dimension.key]) for dimension in self.dimensions if dimension.key in values]

    def to_json(self) -> dict[str, Any]:
        """Return the space as JSON knows it."""
        return {
            "dimensions": [asdict(dimension) for dimension in self.dimensions],
            "conditions": {key: [list(pair) for pair in pairs] for key, pairs in self.conditions.items()},
            "fixed": list(self.fixed),
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> "Space":
        """Return the space that `to_json` wrote."""
        return cls(
            tuple(_dimension(entry) for entry in content["dimensions"]),
            {key: tuple((parent, option) for parent, option in pairs) for key, pairs in content["conditions"].items()},
            tuple(content["fixed"]),
        )


def _dimension(entry: Mapping[str, Any]) -> Dimension:
    if "options" in entry:
        return Choice(entry["key"], entry["text"], tuple(entry["options"]))
    return Number(**entry)
