"""Measures how fast a policy answers in each format, beside the actor as training calls it.

    python scripts/policy_speed.py [CALLS]

Three untrained policies are exported: of a small and a usual network for vectors, and of the paper's for pixels. The
formats take turns of CALLS calls (500) on one core with one thread, and a figure is the median of 15 turns. Each call
gets one observation as numpy has it and returns the action as numpy has it. Times are processor times, which other
processes change little. A second table is for batches of 64.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is imported

import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np
import torch

from ddpg.export.formats import write
from ddpg.learner import networks
from ddpg.learner.policy import act
from ddpg.policies import Description, Network, Space, load
from ddpg.policies.actors import Deployed, policy_of
from ddpg.policies.load import FORMATS
from ddpg.policies.writing import write_hashed
from measure.machine import machine

TURNS = 15
BATCH = 64
VECTORS: dict[str, object] = {"activation": "relu", "init": "fan_in", "final_init": None}
PICTURES: dict[str, object] = {
    "filters": [32, 32, 32], "kernel": 5, "stride": 2, "padding": 1, "hidden": [200, 200], "norm": "none",
    "final_init": 3e-4,
}  # fmt: skip
Act = Callable[[np.ndarray], object]


class Case(NamedTuple):
    """A network for observations of one shape, and for six actions."""

    name: str
    kind: str
    obs_shape: tuple[int, ...]
    arguments: dict[str, object]

    def described(self) -> Description:
        """Describe the policy, as far as loading it needs."""
        pictures = len(self.obs_shape) == 3
        obs = Space(self.obs_shape, "uint8", 0, 255) if pictures else Space(self.obs_shape, "float32", None, None)
        return Description(
            network=Network(f"ddpg.learner.networks.{self.kind}", self.arguments, None, "float32"),
            observation=obs,
            action=Space((6,), "float32", -1.0, 1.0),
            environment={"id": self.name},
            action_repeat=1,
            actor="last",
            env_step=0,
            seed=0,
            versions={},
        )


CASES = (
    Case("17-64-64-6, layer norm", "Actor", (17,), {"hidden": [64, 64], "norm": "layer"} | VECTORS),
    Case("17-400-300-6", "Actor", (17,), {"hidden": [400, 300], "norm": "none"} | VECTORS),
    Case("pixels, 9 x 64 x 64", "PixelActor", (9, 64, 64), PICTURES),
)


def main() -> None:
    """Print the machine, a row for each network with single observations, and one with batches."""
    calls = int(sys.argv[1]) if len(sys.argv) > 1 else 500
    torch.set_num_threads(1)
    core = min(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {core})
    print(machine(core))
    for batch in (None, BATCH):
        print(f"\n{'one observation' if batch is None else f'{batch} observations'} a call, in microseconds")
        for case in CASES:
            with TemporaryDirectory() as folder:
                print(_row(case.name, _medians(case, Path(folder), batch, calls)), flush=True)


def _row(name: str, medians: dict[str, float]) -> str:
    figures = "  ".join(f"{format} {1e6 * seconds:8.1f}" for format, seconds in medians.items())
    return f"{name:24} {figures}"


def _medians(case: Case, folder: Path, batch: int | None, calls: int) -> dict[str, float]:
    """Return the seconds of a call in each format."""
    actors = _actors(case, folder, batch)
    rng = np.random.default_rng(0)
    shape = case.obs_shape if batch is None else (batch, *case.obs_shape)
    pictures = len(case.obs_shape) == 3
    obs = rng.integers(0, 256, shape, np.uint8) if pictures else rng.standard_normal(shape, np.float32)
    count = calls if batch is None else max(1, calls // (BATCH if pictures else 8))
    times: dict[str, list[float]] = {name: [] for name in actors}
    for _ in range(TURNS + 1):  # the first turn warms up
        for name, actor in actors.items():
            times[name].append(_seconds(actor, obs, count))
    return {name: statistics.median(turns[1:]) for name, turns in times.items()}


def _seconds(actor: Act, obs: np.ndarray, calls: int) -> float:
    """Return the mean processor time of a call, in seconds."""
    start = time.process_time()
    for _ in range(calls):
        actor(obs)
    return (time.process_time() - start) / calls


def _actors(case: Case, folder: Path, batch: int | None) -> dict[str, Act]:
    """Write an untrained actor in each format; return what calls it, and first the actor itself."""
    description = case.described()
    actor = _network(case)
    deployed = Deployed(actor, description)
    for format in FORMATS:
        write(format, deployed, description, folder)
    write_hashed(description, folder)
    eager: Act = partial(act, actor) if batch is None else policy_of(actor, description, "run")
    return {"eager": eager} | {format: load(folder, format) for format in FORMATS}


def _network(case: Case) -> torch.nn.Module:
    low, high = case.described().action.bounds()
    bounds = {"low": torch.from_numpy(low), "high": torch.from_numpy(high)}
    return getattr(networks, case.kind)(obs_shape=list(case.obs_shape), **bounds, **case.arguments)


if __name__ == "__main__":
    main()
