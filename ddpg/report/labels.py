"""Short names for configurations: what a researcher typed, and no more than is needed to tell them apart."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ddpg.config.keys import flat, short_key
from ddpg.config.names import method
from ddpg.config.settings import MAY_CHANGE, science
from ddpg.config.spelling import as_written

#: Options that decide others come first among keys that nobody typed.
FIRST = ("experiment", "preset")
#: What tells forks apart only where `fork` does not: the configuration of their source, as a hash.
SOURCE = "forked.configuration"
#: Pairs in a label, if these tell all configurations apart.
MOST = 4

#: The attributes of a configuration, by name.
Table = Mapping[str, str]


@dataclass(frozen=True)
class Described:
    """A configuration: its config, the option chosen of each group, the keys in the order typed (None: not known).

    `origin` is where its runs were forked, as `Origin` writes it, or "".
    """

    config: Mapping[str, Any]
    choices: Mapping[str, str]
    typed: Sequence[str] | None
    origin: str = ""


class Labels(NamedTuple):
    """`noise=ou sigma=0.5`: a label for each configuration, all different; and the pairs that they leave out."""

    texts: list[str]
    shared: list[str]


def attributes(described: Described) -> dict[str, str]:
    """Return the options by the name of their group, then every key of the config by its dotted name."""
    outside = (*MAY_CHANGE, "extra")
    options = {name: option for name, option in described.choices.items() if name.split(".")[0] not in outside}
    leaves = flat(science(described.config))
    if described.origin:
        options["fork"] = described.origin
        leaves.pop("forked.env_step")  # of which `fork` tells
    return options | {key: as_written(value) for key, value in leaves.items() if not isinstance(value, Mapping)}


def labels(configurations: Sequence[Described]) -> Labels:
    """Name each configuration by what was typed for it and differs, in that order; `ddpg_td3` where nothing was.

    A key that was not typed is named where two configurations would look alike. A value that all but one of 4 or more
    configurations have is named for the odd one only, and listed in `shared`. A label ends in `…` where more than
    MOST pairs were typed.
    """
    tables = [attributes(described) for described in configurations]
    names = list(dict.fromkeys(name for table in tables for name in table))
    differing = [name for name in names if len({table.get(name) for table in tables}) > 1]
    typed = [_typed(one, table, differing) for one, table in zip(configurations, tables, strict=True)]
    common = _common(tables, typed, differing)
    named = [
        [name for name in mine if table[name] != common.get(name)] for mine, table in zip(typed, tables, strict=True)
    ]
    while alike := _alike(tables, named):
        _tell_apart(tables, named, alike, differing)
    classes = {name: {table.get(name, "") for table in tables} for name in names if name.endswith("._target_")}
    texts = []
    for one, table, mine, short in zip(configurations, tables, named, _shortened(tables, named), strict=True):
        pairs = [_pair(name, table[name], names, classes) for name in short] or [_own_name(one)]
        texts.append(" ".join([*pairs, "…"] if len(short) < len(mine) else pairs))
    shared = [_pair(name, value, names, classes) for name, value in common.items()]
    return Labels(texts, [" ".join(shared)] if shared else [])


def fitting(texts: Sequence[str], described: Described) -> str | None:
    """Return the one label that is true of a configuration, by its pairs `key=value`; None if none or several are."""
    table = attributes(described)
    true = [text for text in texts if all(_holds(pair, table) for pair in text.split())]
    return true[0] if len(true) == 1 else None


def _holds(pair: str, table: Table) -> bool:
    key, _, wanted = pair.partition("=")
    return any(value == wanted and f".{name}".endswith(f".{key}") for name, value in table.items())


def _own_name(described: Described) -> str:
    """Name a configuration by its algorithm and preset; where these are not on record, by the algorithm's class."""
    node = described.config.get("algorithm") or {}
    return method(described.choices) or str(node.get("_target_", "-")).rpartition(".")[2]


def _typed(described: Described, table: Table, differing: Sequence[str]) -> list[str]:
    """Return the names that were typed and differ, in that order.

    Without a record every name counts, except SOURCE and those of a node whose class differs too.
    """
    if described.typed is not None:
        return [name for name in described.typed if name in differing and name in table]
    targets = {name for name in differing if name.endswith("._target_")}
    alone = [n for n in differing if n in targets or f"{n.rpartition('.')[0]}._target_" not in targets]
    return sorted((name for name in alone if name in table and name != SOURCE), key=_rank)


def _common(tables: Sequence[Table], typed: Sequence[Sequence[str]], differing: Sequence[str]) -> dict[str, str]:
    """Return the values that all but one have, of names that were typed for one of those."""
    found = {}
    for name in differing:
        value = _all_but_one([table.get(name) for table in tables])
        if value and any(name in mine and table[name] == value for mine, table in zip(typed, tables, strict=True)):
            found[name] = value
    return found


def _all_but_one(values: Sequence[str | None]) -> str | None:
    """Return the value that all but one of at least 4 have; the odd one must have another value to be named by."""
    value, count = Counter(values).most_common(1)[0]
    return value if len(values) >= 4 and count == len(values) - 1 and None not in values else None


def _alike(tables: Sequence[Table], named: Sequence[Sequence[str]]) -> list[int] | None:
    """Return the places of the first configurations that differ and whose labels are the same."""
    places: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for place, (table, mine) in enumerate(zip(tables, named, strict=True)):
        places.setdefault(tuple((name, table[name]) for name in mine), []).append(place)
    return next((same for same in places.values() if any(tables[i] != tables[same[0]] for i in same)), None)


def _tell_apart(
    tables: Sequence[Table], named: Sequence[list[str]], alike: Sequence[int], names: Sequence[str]
) -> None:
    """Add to the labels at some places the names, as few as there need be, that tell their configurations apart."""
    part = [tables[place] for place in alike]
    added: list[str] = []
    for name in sorted(names, key=_rank):
        if _count_distinct(part, [*added, name]) > _count_distinct(part, added):
            added.append(name)
    for place in alike:
        named[place] += [name for name in added if name in tables[place] and name not in named[place]]


def _count_distinct(tables: Sequence[Table], names: Sequence[str]) -> int:
    """Count the configurations that the names tell apart."""
    return len({tuple(table.get(name) for name in names) for table in tables})


def _shortened(tables: Sequence[Table], named: Sequence[Sequence[str]]) -> list[Sequence[str]]:
    """Return the first MOST names of each label, or all of them where labels would look the same."""
    short = [mine[:MOST] for mine in named]
    while alike := _alike(tables, short):
        for place in alike:
            short[place] = named[place]
    return short


def _rank(name: str) -> tuple[int, int]:
    """Order presets, options of groups, classes, then single keys; sorting keeps the config's order in each."""
    if name in FIRST:
        return (0, FIRST.index(name))
    return (1 if "." not in name else 2 if name.endswith("._target_") else 3, 0)


def _pair(name: str, value: str, names: Sequence[str], classes: Mapping[str, Collection[str]]) -> str:
    """Write `key=value` with as little of the dotted key, or of the path of a class, as is clear."""
    if name in classes:
        return f"{name.removesuffix('._target_')}={short_key(value, classes[name])}"
    return f"{short_key(name, names)}={value}"
