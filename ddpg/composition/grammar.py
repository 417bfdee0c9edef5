"""Words of a command line that Hydra's grammar does not know: where one goes wrong, and how it is written.

What a message advises has been parsed, so that it does not lead to the next error.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import takewhile
from pathlib import Path

from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException

from ddpg.composition.brackets import PARTNERS, lonely
from ddpg.composition.options_help import Choices
from ddpg.config.settings import Settings
from ddpg.config.spelling import nearest, shell_quoted

#: Words that one value can be spread over, because somebody has put spaces into it.
LONGEST = 12
#: The signs with which word processors replace straight quotes and spaces.
TYPOGRAPHY = str.maketrans("\u201c\u201d\u201e\u2018\u2019\u00a0", '"""\'\' ')


def grammar_mistake(word: str, words: Sequence[str], choices: Choices) -> str:
    """Return one line about a word that cannot be parsed.

    Args:
        word: an override.
        words: all overrides in their order, because what stands beside this one can be a part of it.
        choices: the groups and their options.
    """
    place = words.index(word) if word in words else len(words)
    after = words[place + 1 :]
    shown = word if word.isprintable() else ascii(word)
    if "=" not in word and not word.startswith("~"):
        meant = _meant(word, words[:place], after, choices)
        return f"{shown}: values are written KEY=VALUE, as in seed=3{meant}"
    spread = _spread(word, after)
    if spread is not None:
        return f"{spread} has spaces in it: put quotes around it, {shell_quoted(spread)}"
    return f"{shown} cannot be read: {_reason(word)}{_repair(word)}"


def _meant(word: str, before: Sequence[str], after: Sequence[str], choices: Choices) -> str:
    """Return the end of a message about a word without =: what it may be a part of, or the name of."""
    if after and after[0].startswith("="):
        return f"; without spaces: {word}{''.join(after[: 2 if after[0] == '=' else 1])}"
    if before and before[-1].endswith("="):
        return f"; without spaces: {before[-1]}{word}"
    if after and "=" not in after[0] and (choices.is_group(word) or word in Settings.__annotations__):
        return _did_you_mean([f"{word}={after[0]}"])
    if Path(word).is_dir():
        return f"; to go on with the run in that folder: resume={shell_quoted(word)}"
    if ":" in word:
        return _did_you_mean([word.replace(":", "=", 1)])
    named = [f"{group}={word.lower()}" for group in choices.groups() if choices.exists(group, word.lower())]
    if named:
        return f"; did you mean {' or '.join(named)}?"
    whole = " ".join([*before[-1:], word, *takewhile(lambda part: "=" not in part, after)])
    is_value = "=" in whole and error_of(whole) is None
    return f"; a value with spaces needs quotes: {shell_quoted(whole)}" if is_value else ""


def _spread(word: str, after: Sequence[str]) -> str | None:
    """Return the word and those behind it that make one value together, or None if there is no such value."""
    is_open = bool(lonely(word)[1])
    whole = word
    for part in after[:LONGEST]:
        if not is_open and "=" in part:
            return None
        whole = f"{whole} {part}"
        if error_of(whole) is None:
            return whole
    return None


def error_of(word: str) -> str | None:
    """Return the first line of what Hydra's parser says about a word, None if it can be parsed."""
    try:
        OverridesParser.create().parse_override(word)
    except HydraException as error:
        return str(error).splitlines()[0]
    return None


def _reason(word: str) -> str:
    """Return where the word goes wrong, or what a function in it does not take."""
    key, _, value = word.partition("=")
    if error_of(f"{key}=1") is not None:
        return _wrong_key(key)
    alone, missing = lonely(value)
    if alone:
        return f"the {alone} is never closed" if missing else f"the {alone} closes nothing"
    error = str(error_of(word))
    called = re.search(r"while evaluating '(.*?)': (.*)", error)
    if called is not None:
        return called[2] + _function(called[2])
    return _place(error)


def _wrong_key(key: str) -> str:
    before, bracket, _ = key.partition("[")
    if before and bracket:
        return f"an item of a list is not set alone: write the whole list, {before}=[...]"
    return f"{key} is no key, because a key has letters, digits, _ and dots alone"


def _function(text: str) -> str:
    """Return the end of a message about an unknown function: the one with the nearest name."""
    unknown = re.search(r"Unknown function '(.*)'", text)
    known = OverridesParser.create().functions.definitions
    return nearest(unknown[1], known, most=20) if unknown else ""


def _place(error: str) -> str:
    """Return the place that the parser names, which is a text behind `input` or `at:`, in quotes."""
    place = re.search(r"(?:input|at:) ('.*?')(?: expecting|$)", error)
    return "it ends too early" if place is None or place[1] == "'<EOF>'" else f"it goes wrong at {place[1]}"


def _repair(word: str) -> str:
    key, _, value = word.partition("=")
    return _did_you_mean([f"{key}={repaired}" for repaired in _repairs(value)])


def _did_you_mean(candidates: Sequence[str]) -> str:
    """Return the end of a message: the first of these words that can be parsed."""
    for candidate in candidates:
        if error_of(candidate) is None:
            return f"; did you mean {shell_quoted(candidate)}?"
    return ""


def _repairs(value: str) -> Iterator[str]:
    """Yield what may be meant by a value, the most likely first; a text in quotes of its own comes last."""
    alone, missing = lonely(value)
    yield from filter(None, [value.translate(TYPOGRAPHY).strip(), value.lstrip("="), value.rstrip(",")])
    if value[:1] == "(" and value[-1:] == ")":
        yield f"[{value[1:-1]}]"
    if value[:1] == "{":
        yield value.replace("=", ":")
    if alone in PARTNERS or value[:1] == alone:
        yield value + missing
    if alone in ("", "'", '"') and value[:1] not in PARTNERS and "(" not in value:
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        yield f'"{escaped}"'
