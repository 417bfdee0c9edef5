"""Processes of this machine: telling one from another, and what it uses."""

import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest

from ddpg.sweep.process import (
    _start_time_by_ps,
    cpu_seconds,
    log_to_stdout,
    peak_memory_gb,
    start_time,
    this_process,
    visible_gpus,
    without_log_prefix,
)

NEEDS_PS = pytest.mark.skipif(shutil.which("ps") is None, reason="there is no ps (apt-get install procps)")


@pytest.mark.parametrize("started_at", [start_time, pytest.param(_start_time_by_ps, marks=NEEDS_PS)])
def test_a_process_is_known_by_more_than_its_number(started_at: Callable[[int], str | None]) -> None:
    """A process that has ended has no start, also while its parent has not waited for it."""
    own = started_at(os.getpid())
    assert own
    assert ":" not in own
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
        assert started_at(process.pid) is None
        process.wait()
        assert started_at(process.pid) is None


def test_this_process_is_named_by_host_number_and_start() -> None:
    host, pid, started = this_process().rsplit(":", 2)
    assert host
    assert start_time(int(pid)) == started


def test_what_a_process_uses() -> None:
    assert 0 < cpu_seconds(os.getpid()) < 10_000
    assert 0.001 < peak_memory_gb(os.getpid()) < 100


def test_a_process_that_has_ended_uses_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert cpu_seconds(process.pid) == 0
    assert peak_memory_gb(process.pid) == 0


@pytest.mark.parametrize(("variable", "names"), [("", []), ("3,5", ["3", "5"])])
def test_chosen_gpus(variable: str, names: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", variable)
    assert visible_gpus() == names


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[2026-01-01 00:00:00,000][ERROR] seed=-1 is out of range", "seed=-1 is out of range"),
        ("  ValueError: [1] is no shape ", "ValueError: [1] is no shape"),
    ],
)
def test_log_prefix(line: str, message: str) -> None:
    assert without_log_prefix(line) == message


def test_train_log_is_utf_8_whatever_the_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="latin-1"))
    log_to_stdout()
    print("1 ± 2", "\udcfc", flush=True)
    assert written.getvalue() == b"1 \xc2\xb1 2 \\udcfc\n"
