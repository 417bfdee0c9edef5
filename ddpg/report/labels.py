"""Short names for configurations: what a researcher changed, and no more than is needed to tell them apart."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ddpg.config.keys import flat
from ddpg.config.settings import MAY_CHANGE, science
from ddpg.config.spelling import as_written

#: Options that decide others come first: what follows from them needs no mention.
FIRST = ("experiment", "preset")
#: Pairs in a label, if these tell all configurations apart.
MOST = 4

#: The attributes of a configuration, by name.
Table = Mapping[str, str]


@dataclass(frozen=True)
class Described:
    """A configuration: its config, the option chosen of each group, the keys typed (None: not known)."""

    config: Mapping[str, Any]
    choices: Mapping[str, str]
    typed: frozenset[str] | None


class Labels(NamedTuple):
    """`noise=ou sigma=0.5`: a label for each configuration, all different; and the pairs that they leave out."""

    texts: list[str]
    shared: list[str]


def labels(configurations: Sequence[Described]) -> Labels:
    """Name each configuration by the keys that differ.

    A key that was typed is named where it differs, unless its value follows from another experiment or preset. A key
    that was not typed is named where two configurations would look alike. A value that all but one of 4 or more
    configurations share is named for the odd one only, and listed in `shared`. A label ends in `…` where more than
    MOST pairs were typed.
    """
    tables = [_attributes(described) for described in configurations]
    names = list(dict.fromkeys(name for table in tables for name in table))
    differing = [name for name in names if len({table.get(name) for table in tables}) > 1]
    typed = [{name for name in differing if _is_typed(name, one, differing)} for one in configurations]
    texts = [""] * len(tables)
    shared = []
    for origin, members in _same_origin(tables, range(len(tables))):
        part = [tables[i] for i in members]
        rest = [name for name in differing if name not in origin]
        chosen = _chosen(part, [typed[i] for i in members], rest, MOST - len(origin))
        for i in members:
            texts[i] = _label(tables[i], origin, chosen, names)
        once = [_pair(name, value, names) for name, value in chosen.common.items() if name in chosen.kept]
        if once:
            shared.append(" ".join([*(_pair(name, part[0][name], names) for name in origin if name in part[0]), *once]))
    return Labels(texts, shared)


class _Chosen(NamedTuple):
    """The names in the labels of one origin, those left out for brevity, and the values that all but one have."""

    kept: list[str]
    dropped: set[str]
    common: dict[str, str]


def _label(table: Table, origin: Sequence[str], chosen: _Chosen, names: Sequence[str]) -> str:
    """Write the label of one configuration; `-` if nothing distinguishes it."""
    candidates = (*origin, *chosen.kept, *chosen.dropped)
    distinct = [name for name in candidates if table.get(name) not in (None, chosen.common.get(name))]
    named = [name for name in distinct if name not in chosen.dropped] or [name for name in FIRST if name in table]
    pairs = [_pair(name, table[name], names) for name in named]
    if not chosen.dropped.isdisjoint(distinct):
        pairs.append("…")
    return " ".join(pairs) or "-"


def _same_origin(tables: Sequence[Table], members: Sequence[int]) -> Iterator[tuple[list[str], list[int]]]:
    """Yield parts with one experiment and one preset each, and the names that tell the part from the others.

    Parts of different experiments are not told apart by the preset that each experiment has set.
    """
    for first in FIRST:
        values = dict.fromkeys(tables[i].get(first) for i in members)
        if len(values) > 1:
            for value in values:
                for more, part in _same_origin(tables, [i for i in members if tables[i].get(first) == value]):
                    yield [first, *more], part
            return
    yield [], list(members)


def _chosen(tables: Sequence[Table], typed: Sequence[set[str]], differing: Sequence[str], most: int) -> _Chosen:
    """Choose names for configurations of one origin: what was typed, and more until all can be told apart."""
    varies = {name: len({table.get(name) for table in tables}) > 1 for name in differing}
    kept = [name for name in differing if (any if varies[name] else all)(name in words for words in typed)]
    for name in sorted(differing, key=_rank):
        if _count_distinct(tables, [*kept, name]) > _count_distinct(tables, kept):
            kept.append(name)
    kept.sort(key=_rank)
    common = {name: value for name in kept if (value := _all_but_one([table.get(name) for table in tables]))}
    dropped: set[str] = set()
    # the first to go: what is the same in all of these, then what only one has; of such the last
    for name in sorted(kept, key=lambda name: (varies[name], name not in common, -kept.index(name))):
        rest = [other for other in kept if other not in dropped | {name}]
        longest = max(sum(table.get(n) not in (None, common.get(n)) for n in (*rest, name)) for table in tables)
        if longest > most and _count_distinct(tables, rest) == _count_distinct(tables, kept):
            dropped.add(name)
    return _Chosen([name for name in kept if name not in dropped], dropped, common)


def _all_but_one(values: Sequence[str | None]) -> str | None:
    """Return the value that all but one of at least 4 have; the odd one must have another value to be named by."""
    value, count = Counter(values).most_common(1)[0]
    return value if len(values) >= 4 and count == len(values) - 1 and None not in values else None


def _attributes(described: Described) -> dict[str, str]:
    """Return the options by the name of their group, then every key of the config by its dotted name."""
    outside = (*MAY_CHANGE, "extra")
    options = {name: option for name, option in described.choices.items() if name.split(".")[0] not in outside}
    leaves = flat(science(described.config))
    return options | {key: as_written(value) for key, value in leaves.items() if not isinstance(value, Mapping)}


def _is_typed(name: str, described: Described, differing: Sequence[str]) -> bool:
    """Whether a key was typed. Without a record every key counts, except those of a node whose class differs too."""
    if described.typed is not None:
        return name in described.typed
    return name.endswith("._target_") or f"{name.rpartition('.')[0]}._target_" not in differing


def _rank(name: str) -> tuple[int, int]:
    """Order presets, options of groups, classes, then single keys; sorting keeps the config's order in each."""
    if name in FIRST:
        return (0, FIRST.index(name))
    return (1 if "." not in name else 2 if name.endswith("._target_") else 3, 0)


def _count_distinct(tables: Sequence[Table], names: Sequence[str]) -> int:
    """Count the configurations that the names tell apart."""
    return len({tuple(table.get(name) for name in names) for table in tables})


def _pair(name: str, value: str, names: Sequence[str]) -> str:
    """Write `key=value` with as little of the dotted key as is clear, and a class by the node that it is for."""
    if name.endswith("._target_"):
        return f"{name.removesuffix('._target_')}={value.rpartition('.')[2]}"
    words = name.split(".")
    for start in range(len(words) - 1, 0, -1):
        end = ".".join(words[start:])
        if sum(other == end or other.endswith(f".{end}") for other in names) == 1:
            return f"{end}={value}"
    return f"{name}={value}"
