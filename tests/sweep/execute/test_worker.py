"""The process of one run: its exit code shows how it ended, and train.log why."""

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from omegaconf import DictConfig
from support.command_line import assert_has
from support.runs import TINY

from ddpg.config.settings import check, plain, to_yaml
from ddpg.errors import UserError
from ddpg.record.run_folder import LOCK_PATIENCE_S, RunFolder
from ddpg.record.tracking import read_metrics
from ddpg.sweep.execute import worker
from ddpg.sweep.execute.worker import MACHINE_FAILED, is_of_the_machine
from ddpg.sweep.process import command

Freeze = Callable[..., Path]


@pytest.fixture
def frozen(tmp_path: Path, compose: Callable[..., DictConfig]) -> Freeze:
    def _frozen(*overrides: str) -> Path:
        path = tmp_path / "run"
        path.mkdir(exist_ok=True)
        RunFolder(path).config.write_text(to_yaml(plain(check(compose(*TINY, *overrides)))))
        return path

    return _frozen


def start(path: Path, parent: int | None = None, directory: Path | None = None) -> subprocess.Popen[str]:
    """Start a worker as `start_worker` does, but so that its output can be read here."""
    return subprocess.Popen(
        command("ddpg.sweep.execute.worker", str(path), str(parent or os.getpid())),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=directory,
    )  # fmt: skip


def until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def reached(path: Path, env_step: int) -> bool:
    rows = read_metrics(path / "metrics.jsonl")
    return bool(rows) and rows[-1]["env_step"] >= env_step


def test_interrupted_continued_and_done(frozen: Freeze) -> None:
    """After a signal it goes on from its newest checkpoint to the end; once more, and it says that it is done."""
    short = ("env.max_episode_steps=20", "updates_per_step=0.01")
    path = frozen("total_steps=100000", *short)
    process = start(path)
    until(lambda: reached(path, 300))
    process.send_signal(signal.SIGUSR2)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 128 + signal.SIGUSR2, printed
    status = RunFolder(path).status()
    assert status["state"] == "interrupted"
    assert status["env_step"] > 0
    frozen(f"total_steps={status['env_step'] + 40}", *short)
    process = start(path)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0, printed
    assert f"resumed at env_step {status['env_step']}" in printed
    assert RunFolder(path).status()["state"] == "done"
    again = start(path)
    printed, _ = again.communicate(timeout=60)
    assert again.returncode == 0
    assert "is done: return" in printed


def test_it_waits_until_the_folder_is_free(frozen: Freeze) -> None:
    """The lock of a lost node lasts a while on NFS, and `ddpg-sweep sync` may be sending the run."""
    path = frozen("total_steps=60")
    with RunFolder(path).lock():
        process = start(path)
        assert process.stdout is not None
        assert "waits for the run folder" in process.stdout.readline()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=LOCK_PATIENCE_S + 0.5)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert "waits for the run folder" not in printed


def test_a_mistake_is_one_line(frozen: Freeze) -> None:
    path = frozen()
    RunFolder(path).config.write_text("seed: -1\n")
    process = start(path)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "seed=-1 is out of range" in printed
    assert "Traceback" not in printed


@pytest.mark.parametrize(
    ("error", "code"), [(OSError(errno.ENOSPC, "No space left on device"), MACHINE_FAILED), (KeyError("tau"), 1)]
)
def test_an_error_keeps_its_traceback(
    error: Exception, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["worker", "run", "1"])
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("end_with", "log_to_stdout"):
        monkeypatch.setattr(worker, name, Mock())
    monkeypatch.setattr(worker, "train", Mock(side_effect=error))
    with pytest.raises(SystemExit) as end:
        worker.main()
    assert end.value.code == code
    assert "Traceback" in capsys.readouterr().err


def test_whose_fault_an_error_is() -> None:
    """A full disk says nothing about values, also behind a line for the user; a missing file or package may."""
    full = OSError(errno.ENOSPC, "No space left on device")
    wrapped = UserError("cannot write metrics.jsonl")
    wrapped.__cause__ = full
    assert all(is_of_the_machine(error) for error in (full, wrapped))
    lost = UserError("the simulator failed in step")
    lost.__cause__ = BrokenPipeError()
    missing = FileNotFoundError(errno.ENOENT, "No such file or directory", "missing.xml")
    others = (lost, missing, ModuleNotFoundError("mine"), UserError("x is not finite"), ValueError())
    assert not any(is_of_the_machine(error) for error in others)


@pytest.mark.parametrize(
    ("frozen", "told"),
    [
        ({"commit": "a", "commit_of_directory": "b"}, []),
        ({"commit": None, "commit_of_directory": None}, []),
        ({"commit": "a"}, []),  # as older versions wrote it
        ({"commit": "c", "commit_of_directory": "b"}, ["the code of ddpg is at commit a, ... submitted with c"]),
        ({"commit": None, "commit_of_directory": "c"}, ["the code in /somewhere is at commit b, ... submitted with c"]),
    ],
)
def test_other_code_than_at_the_submission(
    frozen: dict[str, Any], told: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    monkeypatch.setattr(worker, "commits", lambda: {"commit": "a", "commit_of_directory": "b"})
    monkeypatch.setattr(Path, "cwd", lambda: Path("/somewhere"))
    folder = RunFolder(tmp_path)
    folder.write_json(folder.provenance, [{"submitted": "now", **frozen}, {"started": "later"}])
    worker._warn_of_other_code(folder)
    assert len(caplog.messages) == len(told)
    for message, parts in zip(caplog.messages, told, strict=True):
        assert_has(message, parts)


def test_it_ends_with_its_supervisor(frozen: Freeze) -> None:
    """After kill -9 of the pool the run saves, and no process stays that nobody knows of."""
    path = frozen("total_steps=1000000", "env.max_episode_steps=20", "updates_per_step=0.01")
    code = "import sys; from pathlib import Path; from ddpg.sweep.execute.worker import start_worker; "
    code += "start_worker(Path(sys.argv[1]), 1, Path.cwd()).wait()"
    supervisor = subprocess.Popen([sys.executable, "-c", code, str(path)])
    until(lambda: reached(path, 300))
    os.kill(supervisor.pid, signal.SIGKILL)
    supervisor.wait()
    until(lambda: RunFolder(path).status()["state"] == "interrupted")


def test_it_does_not_start_when_its_supervisor_has_died(frozen: Freeze) -> None:
    """The supervisor died while Python started, so the parent is another process by then."""
    path = frozen("total_steps=60")
    assert start(path, parent=os.getppid()).wait(60) == 128 + signal.SIGTERM
    assert RunFolder(path).status() == {}


def test_packages_of_its_directory(frozen: Freeze, tmp_path: Path) -> None:
    """Packages that the YAML names are found there, and none of them hides one of Python's or of this project's."""
    (tmp_path / "here").mkdir()
    for name in ("ddpg", "signal", "yaml"):
        (tmp_path / "here" / f"{name}.py").write_text("raise RuntimeError('this one was imported')")
    (tmp_path / "here" / "own_envs.py").write_text("print('own envs are here')")
    path = frozen("total_steps=60")
    config = RunFolder(path).config
    config.write_text(config.read_text().replace("  imports: []\n", "  imports: [own_envs]\n"))
    process = start(path, directory=tmp_path / "here")
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == 0, printed
    assert "own envs are here" in printed
