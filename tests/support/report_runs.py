"""Run folders with known numbers, for the tests of ddpg-report."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ddpg.report.metric import EPISODES
from ddpg.report.samples import Sample

RETURN = "eval/episodic_return"
CONFIG: dict[str, Any] = {
    "seed": 1, "total_steps": 300, "gamma": 0.99, "batch_size": 64, "extra": {}, "eval": {"every": 100},
    "env": {"_target_": "ddpg.envs.EnvSpec", "name": "pendulum"},
    "noise": {"_target_": "ddpg.learner.noise.OrnsteinUhlenbeck", "theta": 0.15, "sigma": 0.2, "final_sigma": 0.2},
    "optimizer": {"actor": {"lr": 0.0001}, "critic": {"lr": 0.001}},
}  # fmt: skip


def changed(values: Mapping[str, Any], **keys: Any) -> dict[str, Any]:
    """Copy a config and set keys, as in changed(CONFIG, noise__sigma=0.5); two underscores stand for the dot."""
    copy = json.loads(json.dumps(values))
    for key, value in keys.items():
        *parents, last = key.split("__")
        node = copy
        for parent in parents:
            node = node[parent]
        node[last] = value
    return copy


def write_run(
    folder: Path, returns: Sequence[float], episodes: Sequence[float] = (), state: str = "done", **keys: Any
) -> Path:
    """Write a run with an evaluation every 100 steps from step 0 on, and a training episode every 10 steps."""
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(changed(CONFIG, **keys)))
    reached = 100 * (len(returns) - 1)
    (folder / "status.json").write_text(json.dumps({"state": state, "env_step": max(reached, 0)}))
    rows = [{"env_step": 100 * i, RETURN: value} for i, value in enumerate(returns)]
    rows += [{"env_step": 10 * (i + 1), EPISODES: value} for i, value in enumerate(episodes)]
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return folder


def sample(values: Any, episodes: Sequence[Any] = ()) -> Sample:
    """Make a sample of evaluation returns, [seed, evaluation], and training returns for each seed."""
    values = np.array(values, dtype=np.float64)
    seeds, steps = range(1, len(values) + 1), 100.0 * np.arange(values.shape[1])
    returns = tuple(np.array(one, dtype=np.float64) for one in episodes) or tuple(np.empty(0) for _ in seeds)
    return Sample("pendulum", "noise=ou", tuple(seeds), steps, values, returns, steps[-1])
