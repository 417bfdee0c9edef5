"""Checkpoints on disk: what a save writes, what is removed, what a damaged or full disk leaves readable."""

import errno
import logging
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from ddpg.errors import UserError
from ddpg.learner.replay import ReplayBuffer
from ddpg.record.run_folder import atomic_write
from ddpg.training.checkpoint import Checkpoints


def buffer(size: int = 10_000, obs_dim: int = 20) -> ReplayBuffer:
    rng, cpu = np.random.default_rng(0), torch.device("cpu")
    return ReplayBuffer(1, 0.99, size, (obs_dim,), np.dtype(np.float32), 4, rng, cpu, torch.float32)


def fill(memory: ReplayBuffer, count: int) -> None:
    """Episodes of 50 steps; every observation holds the number of its transition."""
    for t in range(memory.total, memory.total + count):
        obs = np.full(memory.obs.shape[1], t, np.float32)
        memory.add(obs, np.zeros(4), t, obs + 0.5 if t % 50 == 49 else obs + 1, False, t % 50 == 49)


def save(checkpoints: Checkpoints, memory: ReplayBuffer, **state: Any) -> bool:
    return checkpoints.save(memory.total, {"env_step": memory.total} | state, memory, memory.total)


def load(folder: Path, size: int = 10_000, obs_dim: int = 20) -> tuple[dict[str, Any] | None, ReplayBuffer]:
    memory = buffer(size, obs_dim)
    return Checkpoints(folder).load(memory, expected=False), memory


def sizes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_size for path in folder.iterdir()}


def assert_equal(a: ReplayBuffer, b: ReplayBuffer) -> None:
    assert (a.total, len(a)) == (b.total, len(b))
    oldest = a.total - len(a)
    ours, theirs = a.export(oldest, a.total), b.export(oldest, b.total)
    for name, values in ours.items():
        np.testing.assert_array_equal(values, theirs[name])


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


def damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "truncated":
        content = content[: len(content) // 2]
    elif how == "empty":
        content = bytearray()
    elif how == "garbage":
        content = bytearray(os.urandom(len(content)))
    elif how == "one bit":
        content[len(content) // 2] ^= 0x40
    path.write_bytes(content)
    if how == "missing":
        path.unlink()


@pytest.mark.parametrize("how", ["truncated", "empty", "garbage", "one bit", "missing"])
@pytest.mark.parametrize("what", ["state", "replay"])
def test_damage_falls_back_to_the_one_before(
    tmp_path: Path, what: str, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Trap 20: with a warning that names the file, and nothing of the damaged one in memory."""
    memory, checkpoints = buffer(), Checkpoints(tmp_path)
    for _ in range(2):
        fill(memory, 100)
        save(checkpoints, memory, weights=torch.zeros(1000))
    damage(max(tmp_path.glob(f"{what}-*")), how)
    with caplog.at_level(logging.WARNING):
        state, restored = load(tmp_path)
    assert state is not None
    assert state["env_step"] == restored.total == 100
    assert not state["weights"].any()
    expected = buffer()
    fill(expected, 100)
    assert_equal(expected, restored)
    if (what, how) != ("state", "missing"):
        assert "state-000000000200.pt" in caplog.text


def fallen_back(folder: Path, saves: int) -> tuple[Checkpoints, ReplayBuffer]:
    """Goes on after so many saves, 100 transitions apart, of which the last is damaged."""
    memory, checkpoints = buffer(), Checkpoints(folder)
    for _ in range(saves):
        fill(memory, 100)
        save(checkpoints, memory)
    damage(folder / f"state-{100 * saves:012d}.pt", "truncated")
    again, memory = Checkpoints(folder), buffer()
    again.load(memory, expected=True)
    return again, memory


def test_going_on_after_a_fall_back(tmp_path: Path) -> None:
    """Nothing that is needed is removed because of the damaged state."""
    again, memory = fallen_back(tmp_path, saves=2)
    for count in (50, 20, 130, 50):  # saves at 150, 170, 300 and 350
        fill(memory, count)
        if memory.total % 50 == 0:
            save(again, memory)
            state, restored = load(tmp_path)
            assert state == {"env_step": memory.total}
            assert_equal(memory, restored)


def test_a_damaged_state_does_not_take_the_place_of_a_good_one(tmp_path: Path) -> None:
    """It is set aside, so that two saves later two good states are there again."""
    again, memory = fallen_back(tmp_path, saves=3)
    assert (tmp_path / "state-000000000300.damaged").exists()
    assert [path.name for path in again._states()] == ["state-000000000200.pt"]
    for _ in range(2):  # at 220 and 240: older than the damaged one
        fill(memory, 20)
        save(again, memory)
    assert [path.name for path in again._states()] == ["state-000000000220.pt", "state-000000000240.pt"]
    assert_equal(memory, load(tmp_path)[1])
    damage(tmp_path / "state-000000000240.pt", "empty")
    assert load(tmp_path)[0] == {"env_step": 220}


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


def test_nothing_readable_is_an_error_and_no_fresh_start(tmp_path: Path) -> None:
    memory, checkpoints = buffer(), Checkpoints(tmp_path)
    for _ in range(2):
        fill(memory, 100)
        save(checkpoints, memory)
    for path in tmp_path.glob("state-*"):
        damage(path, "truncated")
    with pytest.raises(UserError, match=r"no checkpoint in .* can be read: restore it, or remove .*status\.json"):
        load(tmp_path)


def test_a_segment_that_both_states_need_is_an_error_too(tmp_path: Path) -> None:
    """And neither of them is touched: whoever restores the segment goes on."""
    memory, checkpoints = buffer(), Checkpoints(tmp_path)
    for _ in range(2):
        fill(memory, 100)
        save(checkpoints, memory)
    first = min(tmp_path.glob("replay-*"))
    content = first.read_bytes()
    for how in ("truncated", "empty", "one bit", "missing"):
        damage(first, how)
        with pytest.raises(UserError, match=r"no checkpoint in .* can be read"):
            load(tmp_path)
        first.write_bytes(content)
    assert_equal(memory, load(tmp_path)[1])


def test_a_checkpoint_that_was_expected_and_is_gone_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no checkpoint is left in .*: restore it, or remove .*status\.json"):
        Checkpoints(tmp_path).load(buffer(), expected=True)


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


@contextmanager
def file_size_limit(limit: int) -> Iterator[None]:
    """Writing beyond it fails, in C++ as well, as on a full disk: the call sees an OSError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("fault", ["fsync", "torch.save", "state too big", "segment too big"])
def test_full_disk_keeps_what_was_there(tmp_path: Path, fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    memory, checkpoints = buffer(), Checkpoints(tmp_path)
    fill(memory, 100)
    save(checkpoints, memory, weights=torch.ones(10))
    before = sizes(tmp_path)
    fill(memory, 50 if fault == "state too big" else 5000)
    weights = torch.ones(200_000 if fault == "state too big" else 10)

    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    limit = 100_000 if "too big" in fault else resource.RLIM_INFINITY
    with monkeypatch.context() as patch, file_size_limit(limit):
        if fault == "fsync":
            patch.setattr(os, "fsync", full)
        elif fault == "torch.save":
            patch.setattr(torch, "save", full)
        with pytest.raises(OSError, match=r"No space left|File too large"):
            save(checkpoints, memory, weights=weights)
    state, restored = load(tmp_path)
    assert state is not None
    assert state["env_step"] == restored.total == 100
    left = {name for name in sizes(tmp_path) if not name.startswith("replay-")}
    assert left == {name for name in before if not name.startswith("replay-")}  # no half-written file
    save(checkpoints, memory, weights=weights)  # there is room again
    assert_equal(memory, load(tmp_path)[1])


def test_a_new_file_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"old")

    def fail() -> None:
        with atomic_write(path) as file:
            file.write(b"new")
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert sizes(tmp_path) == {"x": 3}
    with atomic_write(path) as file:
        file.write(b"newer")
        assert path.read_bytes() == b"old"
    assert sizes(tmp_path) == {"x": 5}
