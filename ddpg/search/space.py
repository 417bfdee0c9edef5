"""The space of a study: what the words of a command line sweep, in Hydra's grammar, as dimensions."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import IntervalSweep, Override, RangeSweep

from ddpg.config.spelling import nearest
from ddpg.errors import UserError

Value = str | int | float
#: The tags that an interval may have: a logarithmic scale, and whole numbers.
TAGS = ("int", "log")
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


def parse(words: Sequence[str], conditions: Mapping[str, str | Sequence[str]], loader: ConfigLoader) -> Space:
    """Return the space of a study.

    Args:
        words: overrides of the study; a later one replaces an earlier one of the same key.
        conditions: for some keys, where they are part of the space: "KEY=OPTION", or several of those.
        loader: Hydra's, which knows the options of a group for glob(*).

    Raises:
        UserError: a word of which no values can be drawn, no word that varies, or a condition that cannot be met.
    """
    parsed = OverridesParser.create(config_loader=loader).parse_overrides(list(words))
    overrides = {override.get_key_element(): override for override in parsed}
    dimensions = {key: _parsed(override) for key, override in overrides.items() if override.is_sweep_override()}
    fixed = tuple(str(o.input_line) for o in overrides.values() if not o.is_sweep_override())
    if not dimensions:
        raise UserError(
            "nothing to search: write values as KEY=interval(LOW,HIGH), "
            "KEY=tag(log,interval(LOW,HIGH)), KEY=range(START,STOP) or KEY=choice(A,B)"
        )
    pairs = {key: _pairs(key, written, dimensions) for key, written in conditions.items()}
    return Space(tuple(_parents_first(dimensions, pairs)), pairs, fixed)


def _parsed(override: Override) -> Dimension:
    """Return what one override sweeps; raise UserError if no value can be drawn."""
    key = override.get_key_element()
    line = str(override.input_line)
    text = line.partition("=")[2]
    if key == "seed":
        raise UserError(
            f"{line}: the seeds of a trial are hydra.sweeper.seeds, a number or a list; with hydra/sweeper=pbt members "
            "have seed=NUMBER and those after it"
        )
    if key.startswith("hydra"):
        raise UserError(f"{line}: a study searches keys of the run, not of Hydra")
    value = override.value()
    if isinstance(value, IntervalSweep):
        return _interval(key, text, value)
    if isinstance(value, RangeSweep) and not value.shuffle:
        return _range(key, text, value)
    options = tuple(dict.fromkeys(override.sweep_string_iterator()))
    if not options:
        raise UserError(f"{line}: there is nothing to choose")
    return Choice(key, text, options)


def _interval(key: str, text: str, sweep: IntervalSweep) -> Number:
    unknown = sorted(sweep.tags - set(TAGS))
    if unknown:
        raise UserError(f"{key}={text}: tag {unknown[0]} means nothing here{nearest(unknown[0], TAGS)}")
    low, high = (float(end) for end in (sweep.start, sweep.end) if end is not None)
    log = "log" in sweep.tags
    whole = "int" in sweep.tags
    if low > high:
        raise UserError(f"{key}={text} holds no point: {low:g} is above {high:g}; write interval({high:g},{low:g})")
    if log and low <= 0:
        raise UserError(f"{key}={text}: a log interval begins above 0, not at {low:g}")
    if whole and (low % 1 or high % 1):
        raise UserError(f"{key}={text}: an interval with the tag int has whole ends")
    return Number(key, text, low, high, None, log, whole)


def _range(key: str, text: str, sweep: RangeSweep) -> Number:
    if sweep.tags:
        raise UserError(f"{key}={text}: a range has no tags; write tag({','.join(sorted(sweep.tags))},interval(...))")
    values = sorted(sweep.range())
    if not values:
        raise UserError(f"{key}={text} holds no point: {sweep.stop} comes before {sweep.start}")
    whole = all(isinstance(value, int) for value in values)
    return Number(key, text, values[0], values[-1], abs(sweep.step), log=False, whole=whole)


def _pairs(key: str, written: str | Sequence[str], dimensions: Mapping[str, Dimension]) -> tuple[tuple[str, str], ...]:
    """Return the conditions of a key as pairs; raise UserError if one of them can never hold."""
    if key not in dimensions:
        raise UserError(f"hydra.sweeper.conditions: {key} is not part of the space{nearest(key, dimensions)}")
    pairs = []
    for word in [written] if isinstance(written, str) else written:
        parent, _, option = word.partition("=")
        decides = dimensions.get(parent)
        if not isinstance(decides, Choice):
            choices = [name for name, dimension in dimensions.items() if isinstance(dimension, Choice)]
            raise UserError(f"hydra.sweeper.conditions: {key}: {word}: {parent} is no choice{nearest(parent, choices)}")
        if option not in decides.options:
            near = nearest(option, decides.options)
            raise UserError(f"hydra.sweeper.conditions: {key}: {word}: {parent} has no such option{near}")
        pairs.append((parent, option))
    return tuple(pairs)


def _parents_first(
    dimensions: Mapping[str, Dimension], pairs: Mapping[str, Sequence[tuple[str, str]]]
) -> Iterator[Dimension]:
    """Yield the dimensions in their order, but each after those that decide about it."""
    done: set[str] = set()
    while len(done) < len(dimensions):
        ready = [key for key in dimensions if key not in done and all(p in done for p, _ in pairs.get(key, ()))]
        if not ready:
            left = ", ".join(key for key in dimensions if key not in done)
            raise UserError(f"hydra.sweeper.conditions: {left}: each waits for another")
        yield dimensions[ready[0]]
        done.add(ready[0])
