"""How messages spell keys and values: as the command line has them, with the nearest spelling that is allowed."""

import difflib
import re
import shlex
from collections.abc import Iterable
from typing import Any


def nearest(word: str, allowed: Iterable[str], most: int = 12) -> str:
    """Return the end of a message: the closest allowed spelling, else all of them if there are at most `most`."""
    spellings = sorted(set(allowed))
    parent = re.match(r"(.*\.)?", word)[0]  # type: ignore[index]
    siblings = [s for s in spellings if parent and re.fullmatch(re.escape(parent) + r"[^._][^.]*", s)]
    if siblings:  # the group is right: only the last part can be misspelled
        spellings = siblings
    start = parent if siblings else ""
    similar = close_spellings(word.removeprefix(start), [s.removeprefix(start) for s in spellings], n=1, cutoff=0.5)
    close = [s for s in spellings if s.endswith(f".{word}")][:3] or [start + s for s in similar]
    if close:
        return f"; did you mean {' or '.join(close)}?"
    return f"; allowed here: {', '.join(spellings)}" if 0 < len(spellings) <= most else ""


def close_spellings(word: str, allowed: Iterable[str], n: int, cutoff: float) -> list[str]:
    """Return at most n of the allowed spellings, the closest first; whether letters are capitals does not matter.

    `cutoff` is the smallest similarity, from 0 to 1.
    """
    spellings: dict[str, str] = {}
    for spelling in allowed:
        spellings.setdefault(spelling.casefold(), spelling)
    return [spellings[match] for match in difflib.get_close_matches(word.casefold(), spellings, n, cutoff)]


def as_written(value: Any) -> str:
    """Return a value as it is written on the command line; a text that looks like something else is quoted."""
    if isinstance(value, str):
        return repr(value) if value in ("", "null", "true", "false") or value[:1] in "-.0123456789[{" else value
    if isinstance(value, list):
        return f"[{','.join(map(as_written, value))}]"
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def as_typed(words: Iterable[str]) -> list[str]:
    """Return overrides without a ++, which is put before free keys for Hydra; they mean the same."""
    return [str(word).removeprefix("++") for word in words]


def shell_quoted(word: str) -> str:
    """Return a word as a shell takes it, in double quotes where these are easier to read."""
    is_plain = "'" in word and not any(character in word for character in '"$`\\!')
    return f'"{word}"' if is_plain else shlex.quote(word)
