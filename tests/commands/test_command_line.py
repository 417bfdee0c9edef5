"""The ends of a command: a line for a mistake, a traceback for a bug or on request, an exit code for a signal."""

import os
import subprocess
import sys

import pytest
from support.command_line import assert_has, call

from ddpg.commands import train


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ddpg.run.lifecycle.run", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        call(monkeypatch, train.main, "hydra.run.dir=run")


def test_traceback_on_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HYDRA_FULL_ERROR", "1")
    with pytest.raises(Exception, match="gamma=7 is out of range"):
        call(monkeypatch, train.main, "gamma=7")
    assert os.environ["HYDRA_FULL_ERROR"] == "1"


def test_interrupt_outside_training(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "_train", interrupted)
    with pytest.raises(SystemExit) as exit:
        call(monkeypatch, train.main)
    assert (exit.value.code, capsys.readouterr().err) == (130, "ddpg-train: interrupted\n")


def command_line(*argv: str) -> subprocess.CompletedProcess[str]:
    code = "import sys; from ddpg.commands.train import main; sys.argv[0] = 'ddpg-train'; main()"
    return subprocess.run([sys.executable, "-c", code, *argv], capture_output=True, text=True)


def test_a_mistake_as_the_shell_sees_it() -> None:
    done = command_line("gamma=7")
    assert (done.returncode, done.stdout) == (1, "")
    assert_has(done.stderr, "ddpg-train: gamma=7 ... at least 0 and at most 1")
    assert done.stderr.count("\n") == 1
