"""The record has the option of the group `env` that the environment is, whichever way it was named."""

from collections.abc import Callable
from typing import Any

import pytest
from omegaconf import DictConfig

from ddpg.config.choices import with_env_option
from ddpg.config.settings import values

FISH = {"id": "dm_control/fish-swim-v0", "domain": "fish", "task": "swim"}


@pytest.mark.parametrize(
    ("chosen", "env", "option"),
    [
        ("pendulum", {"id": "Pendulum-v1"}, "pendulum"),
        ("pendulum", {"id": "Swimmer-v5"}, "gym"),
        ("pendulum", {"id": "BipedalWalker-v3"}, "bipedalwalker"),
        ("pendulum", {"id": "HalfCheetah-v4"}, "halfcheetah"),
        ("pendulum", {"id": "dm_control/cheetah-run-v0"}, "dmc_cheetah_run"),
        ("pendulum", {"id": "ReacherBulletEnv-v0"}, "pybullet_reacher"),
        ("hopper", {"id": "Hopper-v5", "version": "v5"}, "hopper"),
        ("gym", {"id": "Pendulum-v1"}, "gym"),
        ("dmc", FISH, "dmc"),
        ("dmc_pixels", FISH, "dmc_pixels"),
        ("mine", {"id": "Pendulum-v1"}, "mine"),
        ("pendulum", {"_target_": "my_package.make"}, "pendulum"),
    ],
)
def test_the_option_is_that_of_the_id(chosen: str, env: dict[str, Any], option: str) -> None:
    assert with_env_option({"env": chosen, "noise": "ou"}, env) == {"env": option, "noise": "ou"}


@pytest.mark.parametrize(("env_id", "option"), [("Pendulum-v1", "pendulum"), ("BipedalWalker-v3", "bipedalwalker")])
def test_a_config_records_it(compose: Callable[..., DictConfig], env_id: str, option: str) -> None:
    config = compose(f"env.id={env_id}", "+choices={env: pendulum, experiment: null}")
    assert values(config)["choices"] == {"env": option, "experiment": None}
