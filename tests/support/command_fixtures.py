"""Fixtures for tests of commands: an own folder for each, and the line with which a command refuses."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command_line import SHORT, call

from ddpg.commands import train


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def refusal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """refusal("gama=1", command=train.main): the line with which a command refuses its words, all that it prints."""

    def _refusal(*words: str, command: Callable[[], None] = train.main) -> str:
        with pytest.raises(SystemExit) as exit:
            call(monkeypatch, command, *words)
        line = exit.value.code
        assert isinstance(line, str)
        assert "\n" not in line
        assert capsys.readouterr() == ("", "")
        assert "HYDRA_FULL_ERROR" not in os.environ
        return line.partition(": ")[2]

    return _refusal


@pytest.fixture
def finished(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """A short run in a folder whose name Hydra's grammar would not read."""
    call(monkeypatch, train.main, *SHORT, "hydra.run.dir='lr=1,x'")
    capsys.readouterr()
    return "lr=1,x"
