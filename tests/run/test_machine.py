"""Memory and devices, on machines of every kind: made of files in a folder."""

from pathlib import Path

import pytest
import torch

from ddpg import procfs
from ddpg.errors import UserError
from ddpg.run import machine

MIB = 2**20


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty machine; its /proc and /sys are below this folder."""
    monkeypatch.setattr(machine, "Path", lambda path: tmp_path / path.lstrip("/"))
    monkeypatch.setattr(procfs, "PROC", tmp_path / "proc")
    return tmp_path


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def write_group(folder: Path, limit: str, used: int, cached: int) -> None:
    write(folder / "memory.max", f"{limit}\n")
    write(folder / "memory.current", f"{used}\n")
    write(folder / "memory.stat", f"anon {used - cached}\ninactive_file {cached}\n")


def test_unknown_memory_is_none(root: Path) -> None:
    assert machine.available_memory() is None


def test_free_memory_of_the_machine(root: Path) -> None:
    write(root / "proc/meminfo", "MemTotal: 4096 kB\nMemAvailable: 2048 kB\n")
    assert machine.available_memory() == 2 * MIB


def test_smallest_limit_of_the_control_groups_counts(root: Path) -> None:
    write(root / "proc/meminfo", "MemAvailable: 10240 kB\n")
    write(root / "proc/self/cgroup", "0::/slurm/job/step\n")
    write_group(root / "sys/fs/cgroup/slurm/job/step", "max", MIB, 0)
    write_group(root / "sys/fs/cgroup/slurm/job", str(4 * MIB), 3 * MIB, 2 * MIB)
    assert machine.available_memory() == 3 * MIB  # what is only cached gives way


@pytest.mark.parametrize("gpu", [True, False])
@pytest.mark.parametrize("name", ["auto", "cpu"])
def test_device_auto_is_the_cpu_and_mentions_a_gpu(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, gpu: bool, name: str
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: gpu)
    caplog.set_level("INFO")
    assert machine.torch_device(name) == torch.device("cpu")
    machine.mention_unused_gpu(name)
    assert ("device=cuda" in caplog.text) == (gpu and name == "auto")


def test_a_gpu_is_taken_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch, "empty", lambda *_, device: None)  # as where there is one
    assert machine.torch_device("cuda") == torch.device("cuda")


def test_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(
        UserError, match=r"device=cuda:99 cannot be used: .*; it must be one of auto, cpu, cuda, cuda:1, mps"
    ) as told:
        machine.torch_device("cuda:99")
    assert "\n" not in str(told.value)
