"""The keys by which the runs of a report can be grouped and filtered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from ddpg.config.keys import short_key
from ddpg.config.names import UNNAMED
from ddpg.report.labels import Described, attributes
from ddpg.report.reading import RunRecord


@dataclass(frozen=True)
class Key:
    """A key or a group of the configs.

    Args:
        name: dotted, as on a command line.
        short: its last parts, as few as tell it from the others.
        swept: whether it was typed and differs between the runs of an environment; the rest follows from such keys.
        values: how many values it has.
    """

    name: str
    short: str
    swept: bool
    values: int


class Attributes:
    """The values of every key of every run, of which those are kept that differ, or that were typed."""

    def __init__(self, records: Sequence[RunRecord]) -> None:
        tables = [attributes(Described(one.config, one.choices, one.typed)) for one in records]
        words = [key for key in dict.fromkeys(chain(*(one.typed or () for one in records))) if _is_compared(key)]
        self._records = records
        names = [*words, *(name for table in tables for name in table)]
        several = {name: {table.get(name) for table in tables} for name in dict.fromkeys(names)}
        told = [name for name, values in several.items() if len(values) > 1 or name in words]
        known = [name for name in told if several[name] != {None}]
        self._tables = [{name: table[name] for name in known if name in table} for table in tables]
        swept = {name for name in known if self._is_swept(name, words)}
        self.keys = [Key(name, short_key(name, several), name in swept, len(several[name] - {None})) for name in known]

    def of(self, place: int) -> Mapping[str, str]:
        """Return the values of the run at a place, by key, as they are written on a command line."""
        return self._tables[place]

    def _is_swept(self, name: str, words: Sequence[str]) -> bool:
        """Whether a typed key, or any where nothing is on record, has several values in an environment."""
        if words and name not in words:
            return False
        values: dict[str, set[str | None]] = {}
        for record, table in zip(self._records, self._tables, strict=True):
            values.setdefault(record.environment, set()).add(table.get(name))
        return any(len(several) > 1 for several in values.values())


def _is_compared(key: str) -> bool:
    return key != "seed" and key.partition(".")[0] not in UNNAMED and not key.startswith("hydra/")
