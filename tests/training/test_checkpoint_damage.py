"""Damaged, lost and half-written checkpoints, and full disks: what can still be read, and what is never touched."""

import errno
import logging
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from support.checkpoints import assert_equal, buffer, damage, fill, load, save, sizes

from ddpg.errors import UserError
from ddpg.learner.replay import ReplayBuffer
from ddpg.training.checkpoint import Checkpoints


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
