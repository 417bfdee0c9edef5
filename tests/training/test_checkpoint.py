"""Checkpoints on disk: what a save writes, what it removes, what comes back."""

from pathlib import Path
from typing import Any

import pytest
import torch
from support.checkpoints import assert_equal, buffer, fill, load, save, sizes

from ddpg.record.run_folder import atomic_write
from ddpg.training.checkpoint import Checkpoints


def test_state_and_memory_come_back(tmp_path: Path) -> None:
    memory = buffer()
    fill(memory, 300)
    weights = {"w": torch.randn(3), "big": 2**127 + 1}  # numpy's generators have 128-bit integers
    assert save(Checkpoints(tmp_path / "c"), memory, weights=weights)
    state, restored = load(tmp_path / "c")
    assert state is not None
    assert state["env_step"] == 300
    assert torch.equal(state["weights"]["w"], weights["w"])
    assert state["weights"]["big"] == 2**127 + 1
    assert_equal(memory, restored)


def test_nothing_there_is_no_state(tmp_path: Path) -> None:
    state, memory = load(tmp_path / "c")
    assert state is None
    assert memory.total == 0


def test_saving_costs_what_is_new(tmp_path: Path) -> None:
    """The second save of 10,000 transitions, 100 of them new, writes those 100."""
    memory, checkpoints = buffer(20_000), Checkpoints(tmp_path)
    fill(memory, 10_000)
    save(checkpoints, memory)
    before = sizes(tmp_path)
    fill(memory, 100)
    save(checkpoints, memory)
    written = {name: size for name, size in sizes(tmp_path).items() if name not in before}
    row = 80 + 4 * (4 + 2) + 1  # obs; action, reward and terminated; ends as a byte
    assert before["replay-000000000000-000000010000.npz"] > 10_000 * row
    assert set(written) == {"replay-000000010000-000000010100.npz", "state-000000010100.pt"}
    assert sum(written.values()) < 100 * row + 5000
    assert {name: sizes(tmp_path)[name] for name in before} == before
    assert_equal(memory, load(tmp_path, 20_000)[1])


def test_old_states_and_orphaned_segments_are_removed(tmp_path: Path) -> None:
    """The two newest states stay, and the segments that one of them needs."""
    memory, checkpoints = buffer(200), Checkpoints(tmp_path)
    for _ in range(10):
        fill(memory, 50)
        save(checkpoints, memory)
    names = [f"replay-{start:012d}-{start + 50:012d}.npz" for start in range(250, 500, 50)]
    assert sorted(sizes(tmp_path)) == [*names, "state-000000000450.pt", "state-000000000500.pt"]
    state, restored = load(tmp_path, 200)
    assert state == {"env_step": 500}
    assert_equal(memory, restored)


def test_going_on_from_a_loaded_checkpoint_writes_what_is_new(tmp_path: Path) -> None:
    first = buffer()
    fill(first, 100)
    save(Checkpoints(tmp_path), first)
    again, memory = Checkpoints(tmp_path), buffer()
    again.load(memory, expected=True)
    fill(memory, 50)
    save(again, memory)
    assert "replay-000000000100-000000000150.npz" in sizes(tmp_path)
    assert_equal(memory, load(tmp_path)[1])


def test_a_smaller_stop_saves_the_memory_as_it_was(tmp_path: Path) -> None:
    """What came after the snapshot is not in its checkpoint; what has been dropped since cannot be saved."""
    memory, checkpoints = buffer(200), Checkpoints(tmp_path)
    fill(memory, 170)
    assert checkpoints.save(150, {}, memory, 150)
    assert load(tmp_path, 200)[1].total == 150
    fill(memory, 230)
    assert not checkpoints.save(350, {}, memory, 350)
    assert load(tmp_path, 200)[1].total == 150


def test_what_a_kill_left_half_written_is_removed(tmp_path: Path) -> None:
    memory, checkpoints = buffer(), Checkpoints(tmp_path)
    fill(memory, 100)
    left: set[Path] = set()
    for name in ("state-000000000050.pt", "replay-000000000000-000000000050.npz"):
        with atomic_write(tmp_path / name):
            left |= {*tmp_path.iterdir()}
        (tmp_path / name).unlink()
    for temporary in left:  # what was there in between, as a kill leaves it
        temporary.write_bytes(b"half")
    assert len(left) == 2
    save(checkpoints, memory)
    assert sorted(sizes(tmp_path)) == ["replay-000000000000-000000000100.npz", "state-000000000100.pt"]
    assert_equal(memory, load(tmp_path)[1])


def test_an_older_state_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A save asks what the state before it needs; what this process wrote or has read, it knows."""
    memory, checkpoints = buffer(200), Checkpoints(tmp_path)
    fill(memory, 100)
    save(checkpoints, memory)
    again, memory = Checkpoints(tmp_path), buffer(200)
    again.load(memory, expected=True)
    read: list[Path] = []
    load_tensors = torch.load

    def _load(path: Path, **options: Any) -> Any:
        read.append(path)
        return load_tensors(path, **options)

    monkeypatch.setattr(torch, "load", _load)
    for _ in range(5):
        fill(memory, 50)
        save(again, memory)
    assert read == [tmp_path / "state-000000000100.pt"]
