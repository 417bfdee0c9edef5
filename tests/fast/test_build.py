"""The native kernels are built once on a machine; where that cannot be, one line says why."""

import hashlib
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.native_kernels import needs_kernels

from ddpg.fast.native import Kernels, build, kernels


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    kernels.cache_clear()
    yield
    kernels.cache_clear()


@needs_kernels
def test_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = kernels()
    assert first is not None
    (kept,) = (tmp_path / "cache" / "ddpg").iterdir()
    assert first.name == f"native-{hashlib.sha256(kept.read_bytes()).hexdigest()[:12]}"
    kernels.cache_clear()
    monkeypatch.setenv("CC", "false")  # no compiler is asked again
    again = kernels()
    assert again is not None
    assert again.name == first.name


@needs_kernels
def test_a_torn_or_foreign_file_is_built_anew(tmp_path: Path) -> None:
    assert kernels() is not None
    (kept,) = (tmp_path / "cache" / "ddpg").iterdir()
    kept.write_bytes(b"no library")
    program = "from ddpg.fast.native import kernels; assert kernels()"  # this process holds the old file
    subprocess.run([sys.executable, "-c", program], check=True, env={**os.environ})
    assert len(kept.read_bytes()) > 10_000


@needs_kernels
def test_a_home_that_cannot_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert isinstance(kernels(), Kernels)


def test_no_compiler(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(build, "_processor_options", list)
    monkeypatch.setenv("PATH", "")
    assert kernels() is None
    assert caplog.messages == [
        "updates are computed by torch's kernels, which is slower: there is no C compiler (cc, gcc, clang), and "
        "none was built here before"
    ]


@pytest.mark.parametrize(
    ("compiler", "said"),
    [
        ("false", "the C compiler false failed: it ended with 1"),
        ("nothing-like-it", "No such file or directory: 'nothing-like-it'"),
    ],
)
def test_a_compiler_that_fails(
    compiler: str, said: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CC", compiler)
    monkeypatch.setattr(build, "_processor_options", list)
    assert kernels() is None
    assert said in caplog.text


@needs_kernels
def test_a_home_where_nothing_may_be_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a disk that is mounted with noexec: the new file is still in the temporary folder."""
    monkeypatch.setattr(build, "_stored", lambda new, kept: kept)
    assert isinstance(kernels(), Kernels)


def test_no_home(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A container's user who is in no list of users."""
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(build.Path, "home", _homeless)
    monkeypatch.setattr(build, "_processor_options", list)
    assert kernels() is None
    assert "Could not determine home directory" in caplog.text


def test_something_else_than_a_library(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    compiler = tmp_path / "my cc"
    compiler.write_text('#!/bin/sh\nfor word; do case $word in *.so) echo nonsense > "$word";; esac; done\n')
    compiler.chmod(0o755)
    monkeypatch.setenv("CC", f"'{compiler}'")
    monkeypatch.setattr(build, "_processor_options", list)
    assert kernels() is None
    assert "what the C compiler built cannot be loaded" in caplog.text


def test_another_processor(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, logger="ddpg.fast.native.build")
    monkeypatch.setattr("platform.system", lambda: "Linux")
    monkeypatch.setattr("platform.machine", lambda: "riscv64")
    assert kernels() is None
    assert "native ones are written for Linux x86_64, this is Linux riscv64" in caplog.text


def _homeless() -> Path:
    raise RuntimeError("Could not determine home directory.")
