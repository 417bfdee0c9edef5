"""Commands called as a shell calls them."""

import sys
from collections.abc import Callable

import pytest

#: A run of a second.
SHORT = ["total_steps=200", "random_steps=50", "batch_size=8", "eval.every=200", "eval.episodes=1", "logger=silent"]


def call(monkeypatch: pytest.MonkeyPatch, command: Callable[[], None], *words: str) -> None:
    """Call the function of a command with these words behind its name."""
    monkeypatch.setattr(sys, "argv", ["ddpg", *words])
    command()
