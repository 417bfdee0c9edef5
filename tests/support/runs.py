"""Runs of a second, and the comparison of two runs."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from ddpg.training.trainer import Trainer

#: The toy environment (toys.py), unless a test chooses another.
WALK = ("env=gym", "env.id=Walk-v0", "env.imports=[support.toys]")

#: For one of the odd environments (odd_envs.py).
ODD = ("env.imports=[support.odd_envs]",)

#: A run of a second: two tiny networks, little of everything.
TINY = (
    "logger=silent", "logger.every=50", "network.actor.hidden=[8,8]", "network.critic.hidden=[8,8]",
    "batch_size=8", "total_steps=400", "random_steps=40", "learning_starts=40", "updates_per_step=0.25",
    "eval.every=100", "eval.episodes=2", "checkpoint.every=100",
)  # fmt: skip


def record(folder: Path) -> list[dict[str, Any]]:
    """The rows of metrics.jsonl without what depends on the clock."""
    rows = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [{k: v for k, v in row.items() if not k.startswith("time/") and k != "charts/SPS"} for row in rows]


def flat(state: Any, name: str = "") -> dict[str, Any]:
    """Nested dicts and lists of tensors and numbers as one flat dict."""
    if not isinstance(state, dict | list):
        return {name: state}
    items = state.items() if isinstance(state, dict) else enumerate(state)
    return {k: v for key, value in items for k, v in flat(value, f"{name}/{key}").items()}


def assert_same(a: Trainer, b: Trainer) -> None:
    """Networks, targets, optimizers and records are equal to the last bit."""
    states = flat(a.agent.state_dict()), flat(b.agent.state_dict())
    assert states[0].keys() == states[1].keys()
    for name, value in states[0].items():
        assert np.array_equal(value, states[1][name]), name
    assert a.progress == b.progress
    assert record(a.folder.path) == record(b.folder.path)
