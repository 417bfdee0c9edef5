"""Overrides as Python has them, words or a mapping, turned into the words of a command line."""

import shlex
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import Any

from ddpg.composition.words import quoted
from ddpg.config.spelling import as_written
from ddpg.errors import UserError

#: `["env=pendulum", "optimizer.actor.lr=1e-3"]`, or the same as `{"env": "pendulum", "optimizer.actor.lr": 1e-3}`.
Overrides = Sequence[str] | Mapping[str, Any]

EXAMPLE = '{"env": "pendulum", "gamma": 0.98}'
#: Characters of a wrong value that a message shows.
LONGEST_SHOWN = 60
#: Characters of a text that Hydra's grammar takes for a part of a plain value.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:@%+")


def as_words(overrides: Overrides) -> list[str]:
    """Return overrides as words of the form KEY=VALUE.

    Raises UserError for what is neither a mapping nor a sequence of words.
    """
    if isinstance(overrides, Mapping):
        return [f"{_key(key)}={_value(value, str(key))}" for key, value in overrides.items()]
    if isinstance(overrides, str):
        words = shlex.split(overrides)
        raise UserError(f"overrides={overrides!r} is one text; write a list of words, {words!r}")
    if not isinstance(overrides, Sequence):
        raise UserError(f"overrides={overrides!r} must be a list of words or a mapping, as in {EXAMPLE}")
    wrong = next((word for word in overrides if not isinstance(word, str)), None)
    if wrong is not None or None in overrides:
        raise UserError(f"{wrong!r} among the overrides is no text; write KEY=VALUE, or a mapping as in {EXAMPLE}")
    return list(overrides)


def _key(key: object) -> str:
    if isinstance(key, str) and key:
        return key
    raise UserError(f"{key!r} among the overrides is no key; keys are texts, as in {EXAMPLE}")


def _value(value: Any, key: str) -> str:
    """Return a value in Hydra's grammar; UserError for one that has no form there."""
    if isinstance(value, str):
        return _text(value)
    if value is None or isinstance(value, bool | int | float):
        return as_written(value)
    if isinstance(value, PathLike):
        return _text(str(fspath(value)))
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{_key(name)}:{_value(one, key)}" for name, one in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return "[" + ",".join(_value(one, key) for one in value) + "]"
    if hasattr(value, "tolist"):  # an array or a number of numpy
        return _value(value.tolist(), key)
    raise UserError(f"{key}={_shortened(value)}: {type(value).__name__} is no value of a config{_advice(key)}")


def _shortened(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}..."


def _advice(key: str) -> str:
    """Return the end of a message: how an environment is named, which a run makes itself and more than once."""
    named = '; register it with gymnasium and write {"env": "gym", "env.id": ID}'
    return named if key in ("env", "env.id") else ""


def _text(text: str) -> str:
    """Return a text in quotes where Hydra would read something else without them."""
    is_plain = as_written(text) == text and _PLAIN.issuperset(text)
    return text if is_plain and text.lower() not in ("nan", "inf", "true", "false", "null") else quoted(text)
