"""conf/experiment and conf/hydra/launcher: everything composes, `smoke` trains."""

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from itertools import product
from pathlib import Path

import hydra
import pytest
from omegaconf import DictConfig, OmegaConf

from ddpg.config.settings import check
from ddpg.record.run_folder import RunFolder
from ddpg.run.lifecycle import run
from ddpg.sweep.options import options

ROOT = Path(__file__).parents[2]
EXPERIMENTS = sorted(path.stem for path in (ROOT / "conf" / "experiment").glob("*.yaml"))
COMMAND = [sys.executable, "-c", "from ddpg.commands.train import main; main()"]


def with_hydra(*overrides: str) -> DictConfig:
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        return hydra.compose("config", overrides=list(overrides), return_hydra_config=True)


def swept(experiment: str) -> dict[str, list[str]]:
    """The values that an experiment sweeps, by key; empty if it is a single run."""
    params = OmegaConf.select(with_hydra(f"experiment={experiment}"), "hydra.sweeper.params") or {}
    return {key: str(values).split(",") for key, values in params.items()}


def ddpg_train(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"OMP_NUM_THREADS": "1", "WANDB_MODE": "disabled"}
    return subprocess.run([*COMMAND, *words], cwd=folder, env=env, capture_output=True, text=True, timeout=300)


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_every_job_of_an_experiment_composes(experiment: str, compose: Callable[..., DictConfig]) -> None:
    """Jobs that differ in the seed alone compose alike: the last seed stands for all."""
    params = swept(experiment)
    seeds = params.pop("seed", ["1"])
    assert all(seed.isdecimal() for seed in seeds)
    for values in product(*params.values()):
        words = [f"{key}={value}" for key, value in zip(params, values, strict=True)]
        check(compose(f"experiment={experiment}", *words, f"seed={seeds[-1]}"))


@pytest.mark.parametrize("experiment", EXPERIMENTS)
def test_an_experiment_that_sweeps_needs_no_flag(experiment: str) -> None:
    mode = with_hydra(f"experiment={experiment}").hydra.mode
    assert (mode is not None and mode.name == "MULTIRUN") == bool(swept(experiment))


def test_pendulum_is_the_default_settings(compose: Callable[..., DictConfig]) -> None:
    """`make train` is `ddpg-train`: the study has its settings, whatever the defaults become."""
    assert check(compose("experiment=pendulum")) == check(compose())


@pytest.mark.parametrize("preset", ["paper", "td3"])
def test_command_line_wins_over_an_experiment(preset: str, compose: Callable[..., DictConfig]) -> None:
    cfg = compose("experiment=mujoco_td3", f"preset={preset}", "noise=none", "total_steps=5")
    assert (cfg.total_steps, cfg.noise._target_) == (5, "ddpg.learner.noise.NoNoise")
    assert cfg.network.actor.hidden == ([400, 300] if preset == "paper" else [256, 256])


def test_smoke_trains(tmp_path: Path, compose: Callable[..., DictConfig]) -> None:
    run(compose("experiment=smoke"), tmp_path)
    assert RunFolder(tmp_path).status().items() >= {"state": "done", "env_step": 300}.items()


@pytest.mark.parametrize("launcher", ["local", "slurm"])
def test_launcher_composes(launcher: str) -> None:
    """Its keys and those of its options are the same, no more and no fewer."""
    params = OmegaConf.to_container(with_hydra(f"hydra/launcher={launcher}").hydra.launcher, resolve=True)
    assert params.pop("_target_").endswith(f".{launcher.capitalize()}Launcher")
    assert asdict(options({"kind": launcher, **params})) == {"kind": launcher, **params}


def test_own_launcher_file_starts_from_ours(tmp_path: Path) -> None:
    """The file that docs/usage.md shows."""
    folder = tmp_path / "hydra" / "launcher"
    folder.mkdir(parents=True)
    (folder / "cluster.yaml").write_text("defaults:\n  - slurm\n  - _self_\npartition: gpu\n")
    words = ("--config-dir", str(tmp_path), "hydra/launcher=cluster", "--cfg", "hydra", "-p", "hydra.launcher")
    result = ddpg_train(tmp_path, *words)
    assert "partition: gpu" in result.stdout, result.stderr
    assert "runs_per_job: 1" in result.stdout
