"""A run to fork from, and what tells forks apart."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from support.runs import flat

from ddpg.record.run_folder import RunFolder
from ddpg.run.fork import fork

#: A run whose parts have every kind of state, and of which no update is recorded, because that takes a second.
WORDS = ("total_steps=180", "compile=false", "noise=ou", "noise.reset=false", "replay=prioritized", "eval.every=50")
#: An optimizer with torch's own base class for the actor, and one with groups for the critic.
OPTIMIZERS = (
    "optimizer.actor._target_=torch.optim.Adam", "~optimizer.actor.eps_hat", "~optimizer.actor.decay",
    "optimizer.critic.weight_decay=0.01", "optimizer.critic.decay=hidden", "algorithm.target_noise=0.2",
)  # fmt: skip


def forked(source: Path, config: dict[str, Any], **entry: Any) -> RunFolder:
    """Fork `source` into the folder `fork` beside it."""
    target = RunFolder(source.with_name("fork"))
    fork(RunFolder(source), target, config, entry)
    return target


def newest_state(folder: Path) -> dict[str, Any]:
    """Read the newest state of a run."""
    path = max((folder / "checkpoint").glob("state-*.pt"))
    state: dict[str, Any] = torch.load(path, weights_only=True)["state"]
    return state


def assert_same_tensors(one: Any, other: Any) -> None:
    """Assert that two nested states are equal to the last bit."""
    ours, theirs = flat(one), flat(other)
    assert ours.keys() == theirs.keys()
    for name, value in ours.items():
        assert np.array_equal(value, theirs[name]), name
