"""Programs of Slurm's names in front of PATH, which say what a test wants."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from support.slurm_answers import CONFIG, PARTITIONS, SINFO, say
from support.sweep_folders import FakeSlurm


@pytest.fixture
def fake_slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeSlurm:
    """A squeue and a scancel whose answers a test sets."""
    fake = FakeSlurm(tmp_path)
    monkeypatch.setenv("PATH", f"{fake.bin}:{os.environ['PATH']}")
    monkeypatch.delenv("SLURM_CLUSTER_NAME", raising=False)
    return fake


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """program("squeue", "exit 1"): a shell script of that name, in front of all others."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")

    def _program(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return _program


@pytest.fixture
def cluster(program: Callable[[str, str], None]) -> None:
    """A cluster of five partitions: support/slurm_answers.py."""
    program("sbatch", "exit 1")
    program("sinfo", say(SINFO))
    program("scontrol", f'case "$*" in *partition*) {say(PARTITIONS)};; *) {say(CONFIG)};; esac')
    program("sacctmgr", "echo You are not running a supported accounting_storage plugin; exit 1")
