"""What an environment needs follows from its id and its class, whichever way it was named."""

import gymnasium
import numpy as np
import pytest
from support.envs import SHUFFLED, Toy, make, refusal, registered, spec_of

from ddpg.envs.spec import completed
from ddpg.envs.suites import suite_of


@pytest.mark.parametrize(
    ("env_id", "modules", "extra"),
    [
        ("ReacherBulletEnv-v0", ["pybullet_envs_gymnasium"], None),
        ("pybullet_envs_gymnasium:ReacherBulletEnv-v0", ["pybullet_envs_gymnasium"], None),
        ("dm_control/finger-spin-v0", ["dm_control", "shimmy"], "dm_control"),
        ("dm_control/reach_site_features-v0", ["dm_control", "shimmy"], "dm_control"),
        ("BipedalWalker-v3", [], "box2d"),
        ("CarRacing-v3", [], "box2d"),
        ("Hopper-v5", [], None),
        ("MyRobot-v0", [], None),
    ],
)
def test_modules_and_extra_follow_from_the_id(env_id: str, modules: list[str], extra: str | None) -> None:
    suite = suite_of(env_id)
    assert list(suite.imports) == modules
    assert suite.extra == extra


def test_dm_control_by_its_id_is_as_by_its_option() -> None:
    by_id = make("gym", "env.id=dm_control/finger-spin-v0", "+env.kwargs.render_kwargs.width=100")
    by_option = make("dmc", "env.domain=finger", "env.task=spin")
    np.testing.assert_array_equal(by_id.reset(seed=1)[0], by_option.reset(seed=1)[0])
    assert by_id.spec.max_episode_steps == by_option.spec.max_episode_steps == 1000
    assert by_id.unwrapped.render_kwargs == by_option.unwrapped.render_kwargs | {"width": 100}
    assert by_option.unwrapped.render_kwargs == {"camera_id": 0, "width": 480, "height": 360}


def test_values_come_before_defaults_in_nested_mappings_too() -> None:
    defaults = {"a": {"x": 1, "y": 2}, "b": 3, "c": {"z": 0}}
    values = {"a": {"y": 5, "w": 6}, "b": {"k": 7}, "c": None}
    assert completed(values, defaults) == {"a": {"x": 1, "y": 5, "w": 6}, "b": {"k": 7}, "c": None}


@pytest.mark.parametrize(
    ("option", "env_id", "expected"),
    [
        ("gym", "BipedalWalker-v3", False),
        ("gym", "AntBulletEnv-v0", False),
        ("gym", "Pendulum-v1", True),
        ("gym", "dm_control/reacher-hard-v0", True),
    ],
)
def test_what_a_reset_clears_follows_from_the_class(option: str, env_id: str, expected: bool) -> None:
    overrides = (option, f"env.id={env_id}")
    env = make(*overrides)
    assert spec_of(*overrides).reset_fixes_episode(env) is expected
    assert spec_of(*overrides, f"env.resets_fully={not expected}").reset_fixes_episode(env) is not expected
    env.close()


def test_a_task_that_shuffles_on_from_the_episode_before_begins_alike_when_it_is_new() -> None:
    pytest.importorskip("dm_control")
    spec = spec_of("gym", f"env.id={SHUFFLED}", "env.max_episode_steps=250")

    def episodes(count: int) -> list[np.ndarray]:
        env = spec.make()
        assert not spec.reset_fixes_episode(env)
        starts = [env.reset(seed=0)[0] for _ in range(count)]
        env.close()
        return starts

    first, second, _ = episodes(3)
    assert not np.array_equal(first, second)
    np.testing.assert_array_equal(first, episodes(1)[0])


def test_a_class_of_ones_own_keeps_across_resets_what_its_base_class_keeps() -> None:
    class Base(Toy):
        pass

    class Derived(Base):
        pass

    Base.__module__ = "pybullet_envs_gymnasium.toys"
    spec = registered(Derived)
    assert not spec.reset_fixes_episode(spec.make())
    assert registered(Toy).reset_fixes_episode(registered(Toy).make())


@pytest.mark.parametrize(
    ("overrides", "key"),
    [
        (["halfcheetah", "env.id=HalfCheetah-v5"], "env.version=v4"),
        (["dmc_cartpole_swingup", "env.id=dm_control/fish-swim-v0"], "env.domain=cartpole"),
        (
            ["dmc", "env.domain=cartpole", "env.task=balance", "env.id=dm_control/cartpole-swingup-v0"],
            "env.task=balance",
        ),
    ],
)
def test_an_id_that_is_not_made_of_its_parts_is_refused(overrides: list[str], key: str) -> None:
    line = refusal(spec_of(*overrides))
    assert key in line
    assert f"env=gym {next(word for word in overrides if word.startswith('env.id'))}" in line


def test_an_unknown_task_of_a_suite_names_the_nearest() -> None:
    assert "ReacherBulletEnv-v0" in refusal(spec_of("gym", "env.id=recherbulletenv-v0"))
    assert "env.id=ReacherBulletEnv-v0" in refusal(spec_of("gym", "env.id=ReacherBulletEnv-v1"))
    pytest.importorskip("dm_control")
    assert "dm_control/finger-spin-v0" in refusal(spec_of("gym", "env.id=dm_control/finger-spn-v0"))
    assert "dm_control/finger-spin-v0" in gymnasium.registry
