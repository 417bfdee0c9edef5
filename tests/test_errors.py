"""An exception as one line: of its whole message, with its class, and of its first line alone."""

import pytest

from ddpg.errors import first_line, one_line, typed_line


@pytest.mark.parametrize(
    ("error", "lines"),
    [
        (ValueError("no\n  luck"), ("no luck", "ValueError: no luck", "ValueError: no")),
        (ValueError(" \n"), ("ValueError", "ValueError", "ValueError")),
        (KeyError("x"), ("'x'", "KeyError: 'x'", "KeyError: 'x'")),
    ],
)
def test_exception_as_one_line(error: Exception, lines: tuple[str, str, str]) -> None:
    assert (one_line(error), typed_line(error), first_line(error)) == lines
