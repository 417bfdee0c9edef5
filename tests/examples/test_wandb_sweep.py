"""examples/wandb_sweep.yaml: what an agent makes of it is a command of ddpg-train, in a folder of the run's id."""

from collections.abc import Callable
from pathlib import Path

import hydra
import pytest
import yaml
from omegaconf import DictConfig
from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

from ddpg.config.settings import check

ROOT = Path(__file__).parents[2]


def test_the_command_of_an_agent(compose: Callable[..., DictConfig], monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = yaml.safe_load((ROOT / "examples" / "wandb_sweep.yaml").read_text())
    chosen = {"optimizer.actor.lr": {"value": 1e-4}, "tau": {"value": 0.01}, "batch_size": {"value": 8}}
    assert chosen.keys() == sweep["parameters"].keys()
    command = create_sweep_command(sweep["command"])
    place = command.index("${args_no_hyphens}")
    words = create_sweep_command_args({"args": chosen})["args_no_hyphens"]
    assert command[: command.index("ddpg-train")] == ["${env}"]
    overrides = [*command[command.index("ddpg-train") + 1 : place], *words]
    config = check(compose(*overrides))
    assert (config.batch_size, config.optimizer.actor.lr, config.logger.wandb.mode) == (8, 1e-4, "online")
    monkeypatch.setenv("WANDB_RUN_ID", "run1")
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        composed = hydra.compose("config", overrides=overrides, return_hydra_config=True)
    assert composed.hydra.run.dir == "outputs/wandb/run1"
