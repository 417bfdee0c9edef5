"""What every test needs: one torch thread, nothing sent to W&B, and configs composed as `ddpg-train` does."""

import json
import logging
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("WANDB_MODE", "disabled")

import hydra
import numpy as np
import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from ddpg.build import build_trainer
from ddpg.config import check
from ddpg.run_folder import RunFolder
from ddpg.tracking import Tracker
from ddpg.trainer import Trainer

torch.set_num_threads(1)

try:
    import absl.logging
except ImportError:  # it comes with dm_control and with rliable
    pass
else:  # or it would close pytest's capture, which is stderr now, when Hydra sets up logging in some test
    absl.logging.get_absl_handler().python_handler.stream = sys.__stderr__


@pytest.fixture(autouse=True)
def _keep_small_floats() -> Iterator[None]:
    """A run flushes denormal numbers to 0, in the whole process; hypothesis needs them."""
    yield
    torch.set_flush_denormal(False)


@pytest.fixture(autouse=True)
def _leave_nothing_of_hydra() -> Iterator[None]:
    """Hydra in this process sets up logging and keeps its config; the next test shall not see them."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level
    GlobalHydra.instance().clear()
    HydraConfig.instance().cfg = None


@pytest.fixture
def compose() -> Callable[..., DictConfig]:
    """compose("env=hopper", "gamma=0.9"): the config of that command line, not yet checked."""

    def _compose(*overrides: str) -> DictConfig:
        with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
            return hydra.compose("config", overrides=list(overrides))

    return _compose


#: The toy environment (toys.py), unless a test chooses another.
WALK = ("env=gym", "env.id=Walk-v0", "env.imports=[toys]")

#: A run of a second: two tiny networks, little of everything.
TINY = (
    "logger=silent", "logger.every=50", "network.actor.hidden=[8,8]", "network.critic.hidden=[8,8]",
    "batch_size=8", "total_steps=400", "random_steps=40", "learning_starts=40", "updates_per_step=0.25",
    "eval.every=100", "eval.episodes=2", "checkpoint.every=100",
)  # fmt: skip


@pytest.fixture
def make_trainer(compose: Callable[..., DictConfig]) -> Callable[..., Trainer]:
    """make_trainer(folder, "seed=2"): a TINY run with these overrides in `folder`, built, not started."""

    def _make(folder: Path, *overrides: str) -> Trainer:
        env = () if any(override.startswith("env=") for override in overrides) else WALK
        cfg = check(compose(*env, *TINY, *overrides))
        folder.mkdir(exist_ok=True)
        run_folder = RunFolder(folder)
        return build_trainer(cfg, run_folder, Tracker(run_folder.metrics, []))

    return _make


@pytest.fixture
def train(make_trainer: Callable[..., Trainer]) -> Callable[..., Trainer]:
    """train(folder, "seed=2"): the same, trained to its end."""

    def _train(folder: Path, *overrides: str) -> Trainer:
        trainer = make_trainer(folder, *overrides)
        trainer.train()
        return trainer

    return _train


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
    assert (a.env_step, a.episode, a.last_return) == (b.env_step, b.episode, b.last_return)
    assert record(a.folder.path) == record(b.folder.path)
