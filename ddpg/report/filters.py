"""Which runs are chosen on the command line, in Hydra's words: `noise=ou optimizer.actor.lr=1e-3,3e-4`."""

import re
from collections.abc import Collection, Mapping, Sequence, Set
from typing import NamedTuple

from ddpg.config.keys import flat
from ddpg.config.settings import OF_THE_START
from ddpg.config.spelling import as_written, nearest
from ddpg.errors import UserError
from ddpg.report.reading import FoundRuns, RunRecord


class ChosenRuns(NamedTuple):
    """Which runs are chosen: the `resolved` filters, and of each run, in the given order, whether it passes them."""

    wanted: dict[str, set[str]]
    started: list[bool]
    waiting: list[bool]


def choose_runs(found: FoundRuns, filters: Mapping[str, str], arguments: Set[str] = frozenset()) -> ChosenRuns:
    """Choose runs by filters, as `resolved` describes them; raise UserError unless one that has started is chosen."""
    wanted = resolved([*found.started, *found.waiting], filters, arguments)
    choice = ChosenRuns(wanted, chosen(found.started, wanted), chosen(found.waiting, wanted))
    if not any(choice.started):
        planned = sum(choice.waiting)
        raise UserError(f"{_words_of(filters)}: no such run has started yet, of {planned} that are planned")
    return choice


def resolved(
    records: Sequence[RunRecord], filters: Mapping[str, str], arguments: Set[str] = frozenset()
) -> dict[str, set[str]]:
    """Return the values that filters take by key, in the spelling of the runs.

    Args:
        records: the runs.
        filters: by key or group a value, or several with commas between them, of which a run has one.
        arguments: of the command, which may have been meant by a key that no run has.

    Raises:
        UserError: a key that no run has, a value that no run has, or values that no run has together.
    """
    if not filters:
        return {}
    tables = [every_value(record) for record in records]
    require_keys({key: f"{key}={value}" for key, value in filters.items()}, tables, arguments)
    wanted = {key: _wanted(key, text, {t[key] for t in tables if key in t}) for key, text in filters.items()}
    if not any(all(table.get(key) in values for key, values in wanted.items()) for table in tables):
        raise UserError(f"{_words_of(filters)}: there are runs with each of these, but none with all of them")
    return wanted


def chosen(records: Sequence[RunRecord], wanted: Mapping[str, Set[str]]) -> list[bool]:
    """Tell for each run whether it has one of the `resolved` values of every filter."""
    if not wanted:
        return [True] * len(records)
    tables = map(every_value, records)
    return [all(table.get(key) in values for key, values in wanted.items()) for table in tables]


def every_value(record: RunRecord) -> dict[str, str]:
    """Return the option of each group, and the value of each key, as they are written on a command line."""
    leaves = {key: as_written(value) for key, value in flat(record.config).items() if not isinstance(value, Mapping)}
    own = {key: value for key, value in leaves.items() if key.partition(".")[0] not in OF_THE_START}
    fork = {} if record.origin is None else {"fork": str(record.origin)}
    return own | fork | dict(record.choices)


def require_keys(words: Mapping[str, str], tables: Sequence[Mapping[str, str]], others: Set[str] = frozenset()) -> None:
    """Raise UserError for a key or group that no run has, with the nearest spelling.

    Args:
        words: by key what the user wrote, with which the message begins.
        tables: the values of the runs by key.
        others: what may have been meant beside keys.
    """
    known = {key for table in tables for key in table}
    for key, word in words.items():
        if key not in known:
            raise UserError(f"{word}: these runs have no such key or group{nearest(key, known | others, most=0)}")


def _words_of(filters: Mapping[str, str]) -> str:
    return " ".join(f"{key}={value}" for key, value in filters.items())


def _wanted(key: str, text: str, known: Collection[str]) -> set[str]:
    """Return the values of a key that a filter takes; each of its words must be one that some run has."""
    by_meaning: dict[str, set[str]] = {}
    for value in known:
        by_meaning.setdefault(meaning(value), set()).add(value)
    if meaning(text) in by_meaning:
        return by_meaning[meaning(text)]
    found: set[str] = set()
    for word in _words(text):
        if meaning(word) not in by_meaning:
            raise UserError(f"{key}={word} is in no run{nearest(word, known)}")
        found |= by_meaning[meaning(word)]
    return found


def _words(text: str) -> list[str]:
    """Split `ou,gaussian` or `[ou,gaussian]` at the commas that are in no further brackets."""
    inner = text[1:-1] if text.startswith("[") and text.endswith("]") and not text.startswith("[[") else text
    return [word.strip() for word in re.findall(r"(?:\[[^\]]*\]|[^,\[])+", inner)] or [text]


def meaning(text: str) -> str:
    """Return what is equal for texts that mean the same: 1e-3 and 0.001, 'true' and true."""
    bare = text.replace(" ", "").strip("'\"")
    try:
        return repr(float(bare))
    except ValueError:
        return bare
