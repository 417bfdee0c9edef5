"""The keys by which the runs of a report can be grouped and filtered."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from ddpg.config.keys import short_key
from ddpg.config.names import UNNAMED
from ddpg.errors import UserError
from ddpg.report.filters import every_value, require_keys
from ddpg.report.labels import Described, attributes
from ddpg.report.measured import MeasuredRun
from ddpg.report.metric import Metric
from ddpg.report.reading import RunRecord
from ddpg.report.samples import Sample, samples


@dataclass(frozen=True)
class Key:
    """A key or a group of the configs.

    Args:
        name: dotted, as on a command line.
        short: its last parts, as few as tell it from the others.
        swept: whether it was typed and differs between the runs of an environment; the rest follows from such keys.
    """

    name: str
    short: str
    swept: bool


class Attributes:
    """The values of the keys of every run: of those that differ, that were typed, or that are asked for."""

    def __init__(self, records: Sequence[RunRecord], asked: Collection[str] = ()) -> None:
        own = [attributes(Described(one.config, one.choices, one.typed, str(one.origin or ""))) for one in records]
        tables = _with_asked(own, records, asked)
        words = [key for key in dict.fromkeys(chain(*(one.typed or () for one in records))) if _is_compared(key)]
        names = dict.fromkeys([*words, *asked, *(name for table in tables for name in table)])
        several = {name: {table.get(name) for table in tables} for name in names}
        chosen = [name for name, values in several.items() if len(values) > 1 or name in words or name in asked]
        known = [name for name in chosen if several[name] != {None}]
        self._environments = [record.environment for record in records]
        self._tables = [{name: table[name] for name in known if name in table} for table in tables]
        swept = {name for name in known if (not words or name in words) and self._differs(name)}
        self.keys = [Key(name, short_key(name, several), name in swept) for name in known]

    def of(self, place: int) -> Mapping[str, str]:
        """Return the values of the run at a place, by key, as they are written on a command line."""
        return self._tables[place]

    def label(self, place: int, keys: Sequence[str]) -> str:
        """Name the run at a place by some keys: `preset=td3 actor.lr=0.001`."""
        short = {key.name: key.short for key in self.keys}
        return " ".join(f"{short[key]}={self._tables[place].get(key, '-')}" for key in keys)

    def _differs(self, name: str) -> bool:
        """Whether a key has several values in one environment."""
        values: dict[str, set[str | None]] = {}
        for environment, table in zip(self._environments, self._tables, strict=True):
            values.setdefault(environment, set()).add(table.get(name))
        return any(len(several) > 1 for several in values.values())


def grouped_samples(
    records: Sequence[RunRecord], runs: Sequence[MeasuredRun], keys: Sequence[str], metric: Metric
) -> list[Sample]:
    """Make a sample of each configuration; those with equal values of `keys`, if there are any, are joined.

    Args:
        records: of the runs.
        runs: their values, in the same order.
        keys: what is grouped by.
        metric: what is compared.
    """
    if not keys:
        return samples(runs, metric)
    attributes = Attributes(records, keys)
    labels = {(run.environment, run.configuration): attributes.label(place, keys) for place, run in enumerate(runs)}
    return samples(runs, metric, labels)


def require_group_keys(keys: Sequence[str], records: Sequence[RunRecord]) -> None:
    """Raise UserError for a key to group by that no run has, or that is the seed."""
    require_keys({key: f"group_by={key}" for key in keys}, [every_value(record) for record in records] if keys else [])
    if "seed" in keys:
        raise UserError("group_by=seed: seeds are what means are taken over; filter them, as in seed=1,2")


def _with_asked(
    tables: Sequence[Mapping[str, str]], records: Sequence[RunRecord], asked: Collection[str]
) -> Sequence[Mapping[str, str]]:
    """Add to the tables of the runs the values of keys that tell no configurations apart, such as total_steps."""
    if not asked:
        return tables
    more = [{key: value for key, value in every_value(record).items() if key in asked} for record in records]
    return [one | dict(table) for one, table in zip(more, tables, strict=True)]


def _is_compared(key: str) -> bool:
    return key != "seed" and key.partition(".")[0] not in UNNAMED and not key.startswith("hydra/")
