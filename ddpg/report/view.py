"""The choice of the command line: which runs are shown, by which metric, grouped by which keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class View:
    """The choice of the command line.

    Args:
        metric: a name in metrics.jsonl.
        group_by: the keys that tell configurations apart; none: all that differ.
        filters: the values that runs must have, by key.
        solved: a seed whose last value is at least this counts as solved.
        threshold: the value to which the steps are counted.
    """

    metric: str = "eval/episodic_return"
    group_by: tuple[str, ...] = ()
    filters: Mapping[str, str] = field(default_factory=dict)
    solved: float | None = None
    threshold: float | None = None


def group_keys(words: str | Sequence[str] | None) -> tuple[str, ...]:
    """Return the keys of `group_by=[preset,noise]`, which may also be written `group_by=preset,noise`."""
    return tuple(words.split(",") if isinstance(words, str) else words or ())
