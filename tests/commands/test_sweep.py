"""`ddpg-sweep`: a mistake ends in one line, anything else reaches the function that does it."""

import json
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from support.command_line import assert_has
from support.sweep_folders import write_run, write_sweep

from ddpg.commands import sweep as sweep_cli

DONE, FAILED = {"state": "done"}, {"state": "failed", "error": "no luck"}


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """call("status", "sweep"): calls `ddpg-sweep` in a folder that has a sweep and a run."""
    write_sweep(tmp_path / "sweep", [DONE, FAILED])
    write_run(tmp_path / "run", DONE)
    monkeypatch.chdir(tmp_path)

    def _call(*argv: str) -> None:
        monkeypatch.setattr(sys, "argv", ["ddpg-sweep", *argv])
        sweep_cli.sweep()

    pipe = signal.getsignal(signal.SIGPIPE)
    yield _call
    signal.signal(signal.SIGPIPE, pipe)


@pytest.mark.parametrize(
    ("argv", "parts"),
    [
        ("", "plan, status, retry, cancel, best, confirm, sync"),
        ("statsu sweep", "statsu ... status?"),
        ("status", "ddpg-sweep status SWEEP"),
        ("status state=failed", "ddpg-sweep status SWEEP"),
        ("status nope", "nope ... no such folder"),
        ("status run", "run is a run ... ddpg-train resume=run"),
        ("status sweep failed", "failed ... state=failed"),
        ("status sweep sate=failed", "sate=failed ... state?"),
        ("status sweep state=faild", "state=faild ... done, running, "),
        ("status sweep state=done,faild", "state=faild ... done, running, "),
        ("retry sweep 16", "16 ... mem_gb=16"),
        ("retry sweep memgb=16", "memgb=16 ... hydra/launcher=slurm ... mem_gb?"),
        ("retry sweep hydra.launcher.memgb=16", "memgb=16 ... hydra/launcher=slurm ... mem_gb?"),
        ("cancel sweep now=true", "now=true"),
        ("cancel nope", "nope ... no such folder"),
        ("sync nope", "nope ... no such folder"),
    ],
)
def test_mistake(argv: str, parts: str, call: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit:
        call(*argv.split())
    line = str(exit.value.code)
    assert "\n" not in line
    assert_has(line, f"ddpg-sweep: ... {parts}")
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("command", sweep_cli.COMMANDS)
def test_help(command: str, call: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    call("--help")
    assert f"\n  {command} " in capsys.readouterr().out
    with pytest.raises(SystemExit) as exit:
        call(command, "--help")
    assert not exit.value.code
    assert capsys.readouterr().out.startswith(f"ddpg-sweep {command} ")


def test_options_of_any_kind(call: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """Lists and mappings too, as Hydra's command line takes them."""
    given: list[object] = []
    monkeypatch.setattr(sweep_cli, "retry", lambda sweep, options, lost: given.append(options) or True)
    call("retry", "sweep", "setup=[module load cuda,ulimit -c 0]", "additional_parameters.exclude=n7", "mem_gb=3")
    expected = {"setup": ["module load cuda", "ulimit -c 0"], "additional_parameters": {"exclude": "n7"}, "mem_gb": 3}
    assert list(map(json.dumps, given)) == [json.dumps(expected)]  # plain values, as the options are checked


def test_status_shows_what_is_asked_for(call: Callable[..., None], capsys: pytest.CaptureFixture[str]) -> None:
    call("status", "sweep", "state=failed,running")
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["job", "1", "2", "go", "curves"]
    assert lines[1].endswith("no luck")
