"""The setting of every test: one torch thread, nothing sent to W&B, and configs composed as `ddpg-train` does."""

import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("WANDB_MODE", "disabled")

import pytest
import torch
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig
from support.composing import composed, read_each_part_once
from support.runs import TINY, WALK
from support.slurm_cluster import MISSING, Cluster
from support.wandb_server import KEY, WandbServer

from ddpg.config.settings import check, plain
from ddpg.interrupt import InterruptFlag
from ddpg.record.run_folder import RunFolder
from ddpg.record.tracking import Tracker
from ddpg.record.tracking.wandb_core import end_wandb_core
from ddpg.run.build import build_trainer
from ddpg.run.kernels import accelerate
from ddpg.run.lifecycle import run
from ddpg.run.machine import torch_device
from ddpg.training.trainer import Trainer

torch.set_num_threads(1)
read_each_part_once()

try:
    import absl.logging
except ImportError:  # it comes with dm_control and with rliable
    pass
else:  # or it would close pytest's capture, which is stderr now, when Hydra sets up logging in some test
    absl.logging.get_absl_handler().python_handler.stream = sys.__stderr__


@pytest.fixture(autouse=True, scope="session")
def _hear_what_a_shell_has_ignored() -> None:
    """Hear Ctrl-C, which a shell lets its background processes ignore, and hangups, which nohup does.

    This process outlives its terminal all the same; programs that it starts do not ignore its end.
    """
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda signum, frame: None)
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


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
    return composed


@pytest.fixture
def resolved(compose: Callable[..., DictConfig]) -> Callable[..., dict[str, Any]]:
    """resolved("env=hopper"): the same, checked, in plain values."""
    return lambda *overrides: plain(check(compose(*overrides)))


@pytest.fixture
def make_trainer(compose: Callable[..., DictConfig]) -> Callable[..., Trainer]:
    """make_trainer(folder, "seed=2"): a TINY run with these overrides in `folder`, built, not started."""

    def _make(folder: Path, *overrides: str) -> Trainer:
        env = () if any(override.startswith("env=") for override in overrides) else WALK
        cfg = check(compose(*env, *TINY, *overrides))
        folder.mkdir(exist_ok=True)
        run_folder = RunFolder(folder)
        trainer = build_trainer(cfg, run_folder, Tracker(run_folder.metrics, []), InterruptFlag())
        accelerate(cfg, trainer.agent, trainer.replay, torch_device(cfg.device))
        return trainer

    return _make


@pytest.fixture
def train(make_trainer: Callable[..., Trainer]) -> Callable[..., Trainer]:
    """train(folder, "seed=2"): the same, trained to its end."""

    def _train(folder: Path, *overrides: str) -> Trainer:
        trainer = make_trainer(folder, *overrides)
        trainer.train()
        return trainer

    return _train


@pytest.fixture(scope="session")
def new_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Cluster]]:
    """new_cluster(cpus=8): another Slurm of one node; stopped at the end of the session."""
    if MISSING:
        pytest.skip(MISSING)
    started: list[Cluster] = []

    def _start(**settings: int) -> Cluster:
        started.append(Cluster(tmp_path_factory.mktemp("slurm"), **settings))
        started[-1].start()
        return started[-1]

    yield _start
    for cluster in started:
        cluster.stop()


@pytest.fixture(scope="session")
def slurm(new_cluster: Callable[..., Cluster]) -> Cluster:
    """The Slurm of this test process: a node of 8 CPUs, 2 seconds between SIGTERM and SIGKILL."""
    return new_cluster(cpus=8, memory_mb=64000, kill_wait=2)


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., dict[str, str]]:
    """reference("seed=2"): the fingerprint of such a run of slurm_sweep.RUN that nothing disturbs."""
    from support.slurm_sweep import RUN, fingerprint

    @cache
    def _fingerprint(*overrides: str) -> dict[str, str]:
        folder = tmp_path_factory.mktemp("reference")
        run(composed(*(word for word in (*RUN, *overrides) if not word.startswith("hydra."))), folder)
        return fingerprint(folder)

    return _fingerprint


@pytest.fixture
def no_wandb_account(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No W&B key, no home directory of a user, no address that answers."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")
    for name in ("WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR", "WANDB_DIR"):
        monkeypatch.setenv(name, str(tmp_path / name))
    for name in ("WANDB_API_KEY", "WANDB_MODE", "WANDB_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    yield
    end_wandb_core()  # the next test gets one that knows its environment


@pytest.fixture
def wandb_server(no_wandb_account: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbServer]:
    """A W&B server of the tests, to which wandb sends rows every second instead of every fifteen."""
    server = WandbServer()
    server.start()
    monkeypatch.setenv("WANDB_BASE_URL", server.url)
    monkeypatch.setenv("WANDB_API_KEY", KEY)
    monkeypatch.setenv("WANDB__FILE_STREAM_TRANSMIT_INTERVAL", "1")
    yield server
    server.stop()
