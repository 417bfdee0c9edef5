"""Uncommitted diffs in provenance.json: each is written once, however often a run of that code is started."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: The keys of an entry that describe a repository.
REPOSITORIES = ("git", "git_of_directory")
#: The key of such a description in place of `diff`: the place of the entry that has the same diff.
REFERENCE = "diff_of_start"


def without_repeated_diffs(starts: Sequence[Any]) -> list[Any]:
    """Return the entries of provenance.json with each diff in the first entry of that diff alone."""
    first: dict[tuple[str, str], int] = {}
    written = []
    for place, start in enumerate(starts):
        repeated = {}
        for key, code in _repositories(start):
            diff = code.get("diff")
            if isinstance(diff, str) and diff and first.setdefault((key, diff), place) != place:
                repeated[key] = _without(code, "diff") | {REFERENCE: first[key, diff]}
        written.append(start | repeated if repeated else start)
    return written


def with_diffs(starts: Sequence[Any]) -> list[Any]:
    """Return the entries that `without_repeated_diffs` was given; a place that is none in the file stays."""
    read = []
    for start in starts:
        found = {}
        for key, code in _repositories(start):
            try:
                found[key] = _without(code, REFERENCE) | {"diff": starts[code[REFERENCE]][key]["diff"]}
            except (LookupError, TypeError):  # it has its diff, or somebody has changed the file
                continue
        read.append(start | found if found else start)
    return read


def _repositories(start: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if isinstance(start, Mapping):
        yield from ((key, start[key]) for key in REPOSITORIES if isinstance(start.get(key), Mapping))


def _without(code: Mapping[str, Any], left_out: str) -> dict[str, Any]:
    return {key: value for key, value in code.items() if key != left_out}
