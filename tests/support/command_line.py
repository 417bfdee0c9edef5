"""Commands called as a shell calls them."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ddpg.errors import UserError

#: A run of a second.
SHORT = ["total_steps=200", "random_steps=50", "batch_size=8", "eval.every=200", "eval.episodes=1", "logger=silent"]


def call(monkeypatch: pytest.MonkeyPatch, command: Callable[[], None], *words: str) -> None:
    """Call the function of a command with these words behind its name."""
    monkeypatch.setattr(sys, "argv", ["ddpg", *words])
    command()


def assert_has(line: str, parts: str) -> None:
    """Assert that a message has these parts, written `gama=1 ... gamma?`, in this order; its prose may change."""
    place = 0
    for part in parts.split(" ... "):
        assert part in line[place:], f"{part!r} is not in {line[place:]!r}"
        place = line.index(part, place) + len(part)


@contextmanager
def user_error(parts: str) -> Iterator[None]:
    """Expect a UserError of one line with these parts, written as for `assert_has`."""
    with pytest.raises(UserError) as refusal:
        yield
    line = str(refusal.value)
    assert "\n" not in line
    assert_has(line, parts)
