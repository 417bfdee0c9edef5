"""An exception as one line: of its whole message, with its class, and of its first line alone."""

import pytest
from IPython.core.interactiveshell import InteractiveShell

from ddpg.errors import UserError, first_line, one_line, typed_line


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
