"""Ranges as types: a signature states what is allowed, and `ddpg.config` checks the YAML against it."""

import re
from dataclasses import dataclass
from typing import Annotated


@dataclass(frozen=True)
class Range:
    """Bounds of a number: `above` excludes its bound, the others include theirs."""

    at_least: float | None = None
    above: float | None = None
    at_most: float | None = None

    def __contains__(self, value: float) -> bool:
        return (
            (self.at_least is None or value >= self.at_least)
            and (self.above is None or value > self.above)
            and (self.at_most is None or value <= self.at_most)
        )

    def __str__(self) -> str:
        bounds = {"at least": self.at_least, "above": self.above, "at most": self.at_most}
        return " and ".join(f"{word} {bound:g}" for word, bound in bounds.items() if bound is not None)


@dataclass(frozen=True)
class Text:
    """Limits of a text that is not empty: its length in characters, and characters that it must not have."""

    at_most: int
    without: str = ""

    def __contains__(self, value: str) -> bool:
        return value == self.nearest(value) != ""

    def __str__(self) -> str:
        others = f" without any of {' '.join(self.without)}" if self.without else ""
        return f"1 to {self.at_most} characters{others}, and no space at its ends"

    def nearest(self, value: str) -> str:
        """Return the value cut to its length, with a hyphen for each character that it must not have."""
        allowed = "".join("-" if character in self.without else character for character in value.strip())
        return allowed[: self.at_most].strip()


@dataclass(frozen=True)
class Pattern:
    """A regular expression that fits the whole text, and what it allows in words."""

    expression: str
    allowed: str

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and re.fullmatch(self.expression, value) is not None

    def __str__(self) -> str:
        return self.allowed


class Lasting:
    """Marks a parameter that the state of its object was made with: a copy of that state fits no other value of it."""


Positive = Annotated[float, Range(above=0)]
AboveOne = Annotated[float, Range(above=1)]
NonNegative = Annotated[float, Range(at_least=0)]
AtMostHalf = Annotated[float, Range(above=0, at_most=0.5)]
Fraction = Annotated[float, Range(at_least=0, at_most=1)]
PositiveInt = Annotated[int, Range(at_least=1)]
Count = Annotated[int, Range(at_least=0)]
