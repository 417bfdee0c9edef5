"""`ddpg.compose`: the config of ddpg-train, from words or a mapping, and the same lines for mistakes."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra
import numpy as np
import pytest
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from support.command_line import user_error

import ddpg
from ddpg.config.settings import plain

Resolved = Callable[..., dict[str, Any]]
WORDS = ("env=hopper", "preset=paper", "optimizer.actor.lr=0.002", "extra.note=first try", "eval.every=null")


def test_words_give_the_config_of_the_command(resolved: Resolved) -> None:
    found = plain(ddpg.compose([*WORDS]))
    assert found.pop("choices")["preset"] == "paper"
    expected = resolved(*WORDS[:3], "+extra.note=first try", WORDS[4])
    assert {**expected, "choices": {}} == {**found, "choices": {}}


def test_a_mapping_gives_the_same_as_words() -> None:
    values = {
        "env": "hopper", "preset": "paper", "optimizer.actor.lr": np.float64(0.002), "extra.note": "first try",
        "eval.every": None,
    }  # fmt: skip
    assert ddpg.compose(values) == ddpg.compose([*WORDS])


def test_any_value_arrives_as_it_is() -> None:
    values = [
        "a, b: {c}", "it's [x", "1e-3", "true", "nan", "", "a=b", "ünïcode", "back\\slash'", [1, "x, y"],
        1e-5, {"a": [None, "-1"], "b c": True}, -2.5, 3,
    ]  # fmt: skip
    found = plain(ddpg.compose({f"extra.v{number}": value for number, value in enumerate(values)}))["extra"]
    assert list(found.values()) == values
    found = plain(ddpg.compose({"extra.path": Path("a b"), "extra.pair": (0.5, True), "extra.count": np.int64(3)}))
    assert found["extra"] == {"path": "a b", "pair": [0.5, True], "count": 3}


def test_an_experiment_that_sweeps_is_one_run_with_one_value_of_each_key() -> None:
    config = ddpg.compose({"experiment": "mujoco_td3", "env": "hopper", "seed": 3})
    assert (config.choices.env, config.seed, config.total_steps) == ("hopper", 3, 100_000)


def test_groups_of_an_own_folder(tmp_path: Path) -> None:
    (tmp_path / "noise").mkdir()
    (tmp_path / "noise" / "mine.yaml").write_text("defaults: [gaussian]\nsigma: 0.7\n")
    assert ddpg.compose(["noise=mine"], config_dir=tmp_path).noise.sigma == 0.7
    with user_error(f"config_dir={tmp_path}x: there is no such folder; did you mean {tmp_path}?"):
        ddpg.compose([], config_dir=f"{tmp_path}x")


def test_state_of_hydra_is_left_alone() -> None:
    """A notebook may have initialized Hydra for a config of its own."""
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        own = GlobalHydra.instance().hydra
        ddpg.compose()
        with pytest.raises(ddpg.UserError):
            ddpg.compose(["gama=1"])
        assert GlobalHydra.instance().hydra is own
        assert hydra.compose("config").seed == 1
    assert HydraConfig.instance().cfg is None


@pytest.mark.parametrize(
    ("overrides", "parts"),
    [
        (["gama=1"], "gama=1 ... gamma?"),
        ({"gamma": 2}, "gamma=2 is out of range"),
        (["env=hoper"], "env=hoper ... hopper?"),
        (["gamma=(1"], "gamma=(1 cannot be read"),
        ({"env": "gym"}, "env.id has no value"),
        (["seed=1,2"], "seed=1,2 is several values ... ddpg-train seed=1,2 -m"),
        ({"experiment": "mujoco_td3"}, "sweeps env=halfcheetah,hopper seed=1,2,3, and this is one run"),
        (["hydra/launcher=slurm"], "hydra/launcher=slurm has an effect in a sweep alone"),
        (["-m"], "flags of ddpg-train ... -m"),
        (["--seed", "3"], "--seed: there is no such flag"),
        (["resume=nowhere"], "nowhere: there is no such folder"),
        ("env=hopper seed=1", "is one text; write a list of words, ['env=hopper', 'seed=1']"),
        (None, "overrides=None must be a list of words or a mapping"),
        (["seed=1", None], "None among the overrides is no text"),
        ({"env": object()}, "env=<object ... no value of a config; register it with gymnasium ... env.id"),
        ({1: 2}, "1 among the overrides is no key"),
        ({"gamma": len}, "gamma=<built-in function len>: builtin_function_or_method is no value"),
    ],
)
def test_mistake_is_one_line(overrides: Any, parts: str) -> None:
    with user_error(parts):
        ddpg.compose(overrides)
