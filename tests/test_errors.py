"""An exception as one line: of its whole message, with its class, and of its first line alone; the kind of a value."""

import numpy as np
import pytest
from IPython.core.interactiveshell import InteractiveShell

from ddpg.errors import UserError, first_line, kind_of, one_line, typed_line


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


def test_a_notebook_shows_the_line_alone(capsys: pytest.CaptureFixture[str]) -> None:
    shell = InteractiveShell(user_ns={"UserError": UserError})
    shell.run_cell("raise UserError('gama=1: there is no such key')")
    assert capsys.readouterr().out.strip() == "UserError: gama=1: there is no such key"


@pytest.mark.parametrize(
    ("value", "kind"),
    [(None, "None"), (1, "an int"), ("a", "a str"), (np.uint8(1), "a uint8"), (np.ones(2), "an ndarray")],
)
def test_the_kind_of_a_value(value: object, kind: str) -> None:
    assert kind_of(value) == kind
