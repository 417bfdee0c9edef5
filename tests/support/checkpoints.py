"""A replay buffer that is saved and loaded, and ways to damage a file."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ddpg.learner.replay import ReplayBuffer
from ddpg.training.checkpoint import Checkpoints


def buffer(size: int = 10_000, obs_dim: int = 20) -> ReplayBuffer:
    """Make an empty replay buffer with its own small observations."""
    rng, cpu = np.random.default_rng(0), torch.device("cpu")
    return ReplayBuffer(1, 0.99, size, (obs_dim,), np.dtype(np.float32), 4, rng, cpu, torch.float32)


def fill(memory: ReplayBuffer, count: int) -> None:
    """Store episodes of 50 steps; every observation holds the number of its transition."""
    for t in range(memory.total, memory.total + count):
        obs = np.full(memory.obs.shape[1], t, np.float32)
        memory.add(obs, np.zeros(4), t, obs + 0.5 if t % 50 == 49 else obs + 1, False, t % 50 == 49)


def save(checkpoints: Checkpoints, memory: ReplayBuffer, **state: Any) -> bool:
    """Save the buffer as it is, with a state."""
    return checkpoints.save(memory.total, {"env_step": memory.total} | state, memory, memory.total)


def load(folder: Path, size: int = 10_000, obs_dim: int = 20) -> tuple[dict[str, Any] | None, ReplayBuffer]:
    """Load the newest checkpoint of a folder into an empty buffer."""
    memory = buffer(size, obs_dim)
    return Checkpoints(folder).load(memory, expected=False), memory


def sizes(folder: Path) -> dict[str, int]:
    """Read the size of each file, by name."""
    return {path.name: path.stat().st_size for path in folder.iterdir()}


def assert_equal(a: ReplayBuffer, b: ReplayBuffer) -> None:
    """Assert that two buffers hold the same transitions."""
    assert (a.total, len(a)) == (b.total, len(b))
    oldest = a.total - len(a)
    ours, theirs = a.export(oldest, a.total), b.export(oldest, b.total)
    for name, values in ours.items():
        np.testing.assert_array_equal(values, theirs[name])


def damage(path: Path, how: str) -> None:
    """Damage a file, `how`: truncated, empty, garbage, one bit or missing."""
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
