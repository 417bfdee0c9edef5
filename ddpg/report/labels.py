"""Short names for configurations: what a researcher changed, and no more than tells them apart."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ddpg.config.settings import MAY_CHANGE, flat, science
from ddpg.config.signature import shown

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
    """`noise=ou sigma=0.5`: a label for each configuration, all different; and what is told once instead of in them."""

    texts: list[str]
    shared: list[str]


def labels(configurations: Sequence[Described]) -> Labels:
    """What was typed is told where it differs, but not for those in which it follows from another experiment or preset.

    What was not typed is told where the rest leaves two configurations alike. What all but one of 4 or more share is
    told of the odd one alone. Labels end in `…` where more than MOST pairs were typed.
    """
    tables = [_attributes(described) for described in configurations]
    names = list(dict.fromkeys(name for table in tables for name in table))
    differing = [name for name in names if len({table.get(name) for table in tables}) > 1]
    typed = [{name for name in differing if _typed(name, one, differing)} for one in configurations]
    texts, shared = [""] * len(tables), []
    for first, members in _same_origin(tables, range(len(tables))):
        part = [tables[i] for i in members]
        rest = [name for name in differing if name not in first]
        kept, dropped, common = _chosen(part, [typed[i] for i in members], rest, MOST - len(first))
        for i in members:
            own = [name for name in (*first, *kept, *dropped) if tables[i].get(name) not in (None, common.get(name))]
            told = [name for name in own if name not in dropped] or [name for name in FIRST if name in tables[i]]
            more = ["…"] if not dropped.isdisjoint(own) else []
            texts[i] = " ".join([*(_part(name, tables[i][name], names) for name in told), *more]) or "-"
        if once := [_part(name, value, names) for name, value in common.items() if name in kept]:
            origin = [_part(name, part[0][name], names) for name in first if name in part[0]]
            shared.append(" ".join([*origin, *once]))
    return Labels(texts, shared)


def _same_origin(tables: Sequence[Table], members: Sequence[int]) -> Iterator[tuple[list[str], list[int]]]:
    """Parts with one experiment and one preset each, and the names by which the part is told from the others.

    The preset that an experiment has set is not looked at between parts of different experiments.
    """
    for first in FIRST:
        values = dict.fromkeys(tables[i].get(first) for i in members)
        if len(values) > 1:
            for value in values:
                for more, part in _same_origin(tables, [i for i in members if tables[i].get(first) == value]):
                    yield [first, *more], part
            return
    yield [], list(members)


def _chosen(
    tables: Sequence[Table], typed: Sequence[set[str]], differing: Sequence[str], most: int
) -> tuple[list[str], set[str], dict[str, str]]:
    """For configurations of one origin: names to tell, names left out for brevity, values that all but one have."""
    varies = {name: len({table.get(name) for table in tables}) > 1 for name in differing}
    kept = [name for name in differing if (any if varies[name] else all)(name in words for words in typed)]
    for name in sorted(differing, key=_rank):
        if _classes(tables, [*kept, name]) > _classes(tables, kept):
            kept.append(name)
    kept.sort(key=_rank)
    common = {name: value for name in kept if (value := _all_but_one([table.get(name) for table in tables]))}
    dropped: set[str] = set()
    # the first to go: what is the same in all of these, then what only one has; of such the last
    for name in sorted(kept, key=lambda name: (varies[name], name not in common, -kept.index(name))):
        rest = [other for other in kept if other not in dropped | {name}]
        longest = max(sum(table.get(n) not in (None, common.get(n)) for n in (*rest, name)) for table in tables)
        if longest > most and _classes(tables, rest) == _classes(tables, kept):
            dropped.add(name)
    return [name for name in kept if name not in dropped], dropped, common


def _all_but_one(values: Sequence[str | None]) -> str | None:
    """The value that all but one of at least 4 have; the one must have another value, for nothing would tell it."""
    value, count = Counter(values).most_common(1)[0]
    return value if len(values) >= 4 and count == len(values) - 1 and None not in values else None


def _attributes(described: Described) -> dict[str, str]:
    """Options by the name of their group, then every single key of the config by its dotted name."""
    outside = (*MAY_CHANGE, "extra")
    options = {name: option for name, option in described.choices.items() if name.split(".")[0] not in outside}
    leaves = flat(science(described.config))
    return options | {key: shown(value) for key, value in leaves.items() if not isinstance(value, Mapping)}


def _typed(name: str, described: Described, differing: Sequence[str]) -> bool:
    """Without a record of what was typed every key counts, but for those of a part whose class differs as well."""
    if described.typed is not None:
        return name in described.typed
    return name.endswith("._target_") or f"{name.rpartition('.')[0]}._target_" not in differing


def _rank(name: str) -> tuple[int, int]:
    """Presets, options of groups, classes, then the single keys; Python's sort keeps the config's order in each."""
    if name in FIRST:
        return (0, FIRST.index(name))
    return (1 if "." not in name else 2 if name.endswith("._target_") else 3, 0)


def _classes(tables: Sequence[Table], names: Sequence[str]) -> int:
    """How many of the configurations the names tell apart."""
    return len({tuple(table.get(name) for name in names) for table in tables})


def _part(name: str, value: str, names: Sequence[str]) -> str:
    """`key=value` with as little of the dotted key as is clear; a class by the part that it is for."""
    if name.endswith("._target_"):
        return f"{name.removesuffix('._target_')}={value.rpartition('.')[2]}"
    words = name.split(".")
    for start in range(len(words) - 1, 0, -1):
        end = ".".join(words[start:])
        if sum(other == end or other.endswith(f".{end}") for other in names) == 1:
            return f"{end}={value}"
    return f"{name}={value}"
