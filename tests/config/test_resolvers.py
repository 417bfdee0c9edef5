"""What conf/tasks.yaml knows of an environment comes with its id."""

from collections.abc import Callable
from typing import Any

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf
from support.config_options import CONF

from ddpg.config import resolvers
from ddpg.config.settings import check
from ddpg.errors import UserError


def env_node(option: str, *overrides: str) -> dict[str, Any]:
    """Compose an option of the group env alone, without the keys of which it may make the id."""
    resolvers.register()
    with initialize_config_dir(str(CONF), version_base="1.3"):
        node: Any = OmegaConf.to_container(compose(f"env/{option}", [*overrides]).env, resolve=True)
    return {key: value for key, value in node.items() if key not in ("version", "domain", "task")}


@pytest.mark.parametrize(
    ("option", "env_id"),
    [
        ("bipedalwalker", "BipedalWalker-v3"),
        ("inverted_pendulum", "InvertedPendulum-v4"),
        ("pybullet_reacher", "ReacherBulletEnv-v0"),
        ("dmc_humanoid_walk", "dm_control/humanoid-walk-v0"),
    ],
)
def test_an_option_and_an_id_are_the_same_environment(option: str, env_id: str) -> None:
    assert env_node(option) == env_node("gym", f"env.id={env_id}") == env_node("pendulum", f"env.id={env_id}")


def test_name_and_budget_follow_a_changed_id() -> None:
    changed = env_node("pendulum", "env.id=HalfCheetah-v5")
    assert changed["name"] == "halfcheetah-v5"
    assert changed["budget"] == env_node("halfcheetah")["budget"]
    assert changed["budget"] != env_node("pendulum")["budget"]


@pytest.mark.parametrize(
    ("env_id", "name", "random_steps"),
    [
        ("MyRobot-v0", "MyRobot-v0", 25_000),
        ("my_suite/fish-swim-v0", "my_suite-fish-swim-v0", 25_000),
        ("pybullet_envs_gymnasium:AntBulletEnv-v0", "pybullet_ant", 10_000),
        ("MyPendulum-v1", "MyPendulum-v1", 25_000),  # an expression has to fit the whole id
    ],
)
def test_unknown_environments_have_the_name_of_their_id(env_id: str, name: str, random_steps: int) -> None:
    node = env_node("gym", f"env.id='{env_id}'")
    assert node["name"] == name
    assert node["budget"]["random_steps"] == random_steps


@pytest.mark.parametrize(
    ("option", "overrides", "bounds"),
    [
        ("hopper", [], (-1000, 1000)),
        ("hopper", ["env.action_repeat=4"], (-4000, 4000)),
        ("dmc_cheetah_run", ["env.action_repeat=2"], (-300, 300)),
        ("dmc_cheetah_run_pixels", [], (-300, 300)),
        ("dmc_cheetah_run_pixels", ["env.action_repeat=2"], (-200, 200)),
        ("hopper", ["env.action_repeat=4", "env.max_return=90"], (-4000, 90)),
    ],
)
def test_a_decision_earns_the_rewards_of_the_steps_that_it_lasts(
    option: str, overrides: list[str], bounds: tuple[float, float]
) -> None:
    node = env_node(option, *overrides)
    assert (node["min_return"], node["max_return"]) == bounds


@pytest.mark.parametrize(
    ("words", "bounds"),
    [
        ([], (-1000, 1000)),
        (["algorithm.reward_scale=0.01"], (-10, 10)),
        (["algorithm.reward_scale=10", "env.action_repeat=2"], (-20_000, 20_000)),
        (["algorithm.reward_scale=10", "algorithm.head.v_max=7"], (-10_000, 7)),
        (["~algorithm.reward_scale"], (-1000, 1000)),  # an algorithm of a user's own may have no such key
    ],
)
def test_the_range_of_values_follows_the_scale_of_rewards(
    compose: Callable[..., DictConfig], words: list[str], bounds: tuple[float, float]
) -> None:
    head = compose("env=hopper", "preset=d4pg", *words).algorithm.head
    assert (head.v_min, head.v_max) == bounds


def test_a_bound_that_is_no_number_is_refused_by_its_key(compose: Callable[..., DictConfig]) -> None:
    with pytest.raises(UserError, match=r"^env\.max_return=high "):
        check(compose("env=hopper", "preset=d4pg", "env.max_return=high"))


def test_rl_zoo_knows_an_id_with_its_module() -> None:
    with_module = OmegaConf.create({"lr": "${rl_zoo:pybullet_envs_gymnasium\\:AntBulletEnv-v0,learning_rate}"})
    resolvers.register()
    assert with_module.lr == 7e-4
