"""The four commands as a shell starts them: their version, and their ends when nobody reads what they print."""

import json
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest
from support.command_line import SHORT, call
from support.sweep_folders import write_sweep

from ddpg import __version__
from ddpg.commands import entry
from ddpg.distribution import distribution_name

FAILED = {"state": "failed", "error": "no luck"}
COMMANDS = [("ddpg-train", entry.train), ("ddpg-eval", entry.evaluate), ("ddpg-report", entry.report),
            ("ddpg-sweep", entry.sweep)]  # fmt: skip


def shell(command: str, *words: str) -> list[str]:
    """Return a command line that starts one of the four commands in a new process."""
    return [sys.executable, "-c", f"from ddpg.commands.entry import {command}; {command}()", *words]


@pytest.mark.parametrize(("name", "command"), COMMANDS)
def test_version(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, command: Callable[[], None]
) -> None:
    call(monkeypatch, command, "--version")
    assert capsys.readouterr().out == f"{name} {__version__}\n"
    scripts = metadata.entry_points(group="console_scripts", name=name)
    assert [script.load() for script in scripts] == [command], f"reinstall {distribution_name()}"


def test_a_training_outlasts_its_terminal(tmp_path: Path) -> None:
    """Its standard output is a pipe that is closed, its standard error is not there at all."""
    words = ["bash", "-c", '"$@" 2>&- | true; exit ${PIPESTATUS[0]}', "bash"]
    run = tmp_path / "run"
    lines = ["logger.progress=lines", "logger.progress_seconds=0.01"]
    done = subprocess.run([*words, *shell("train", "env=pendulum", *SHORT, *lines, f"hydra.run.dir={run}")])
    assert done.returncode == 0
    assert json.loads((run / "status.json").read_text())["state"] == "done"


def test_nobody_reads_to_the_end(tmp_path: Path) -> None:
    """`ddpg-sweep status SWEEP | head -1` prints no error about a broken pipe."""
    write_sweep(tmp_path / "sweep", [FAILED] * 2000)
    with subprocess.Popen(
        shell("sweep", "status", "sweep"), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().split()[0] == "job"
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0


def test_what_cannot_be_printed_is_an_error_where_it_is_all_that_was_asked_for(tmp_path: Path) -> None:
    write_sweep(tmp_path / "sweep", [FAILED])
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            shell("sweep", "status", "sweep"), cwd=tmp_path, stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert done.returncode == 1
    assert done.stderr == "ddpg-sweep: standard output cannot be written: No space left on device\n"
