"""Short names for configurations: what a researcher changed, and no more than tells them apart."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ddpg.config import MAY_CHANGE, flat, science
from ddpg.signature import shown

#: Options that decide others come first: what follows from them needs no mention.
FIRST = ("experiment", "preset")


@dataclass(frozen=True)
class Described:
    """A configuration: its config, the option chosen of each group, the keys typed (None: not known)."""

    config: Mapping[str, Any]
    choices: Mapping[str, str]
    typed: frozenset[str] | None


def labels(configurations: Sequence[Described]) -> list[str]:
    """`noise=ou sigma=0.5`: a label for each, all different.

    What was typed is told wherever it differs. What was not (it follows from a preset, an option, another key) is told
    where the rest leaves two configurations alike.
    """
    tables = [_attributes(described) for described in configurations]
    names = list(dict.fromkeys(name for table in tables for name in table))
    differing = [name for name in names if len({table.get(name) for table in tables}) > 1]
    kept = [name for name in differing if any(_typed(name, one, differing) for one in configurations)]
    for name in sorted(differing, key=_rank):
        if _classes(tables, [*kept, name]) > _classes(tables, kept):
            kept.append(name)
    if len(tables) == 1:  # nothing differs
        kept = [name for name in FIRST if name in tables[0]]
    kept.sort(key=_rank)
    return [" ".join(_part(name, table[name], names) for name in kept if name in table) or "-" for table in tables]


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


def _classes(tables: Sequence[Mapping[str, str]], names: Sequence[str]) -> int:
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
