"""The names of folders: what was typed, short, and safe for file systems and Hydra's command line."""

from collections.abc import Sequence
from pathlib import Path

import hydra
import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from ddpg.config import resolvers
from ddpg.config.keys import short_key
from ddpg.config.names import Names, method, typed

KEYS = ("gamma", "noise", "optimizer.actor.lr", "optimizer.critic.lr", "network.actor.hidden", "extra.note", "seed")


def folder(*words: str, is_fork: bool = False) -> str:
    choices = {"preset": "td3", "algorithm": "ddpg"}
    return Names("pendulum", 1, choices, typed(words), KEYS, is_fork).folder()


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ([], "pendulum_ddpg_td3_seed1"),
        (["env=pendulum", "preset=td3", "seed=1", "logger.every=5", "device=cpu", "hydra/launcher=local"],
         "pendulum_ddpg_td3_seed1"),
        (["noise=ou", "optimizer.actor.lr=1e-3"], "pendulum_ddpg_td3_noise=ou_actor.lr=1e-3_seed1"),
        (["network.actor.hidden=[400, 300]", "+extra.note='a/b, c'"],
         "pendulum_ddpg_td3_hidden=400+300_note=a-b+c_seed1"),
        (["gamma=0.9", "gamma=0.8"], "pendulum_ddpg_td3_gamma=0.8_seed1"),
        (["noise=ou,gaussian", "seed=1,2,3"], "pendulum_ddpg_td3_noise=ou+gaussian_seed=1+2+3"),
        (["env=hopper,ant", "preset=paper,td3"], "env=hopper+ant_preset=paper+td3_seed1"),
        ([f"gamma={i}{'9' * 40}" for i in range(3)], f"pendulum_ddpg_td3_gamma=2{'9' * 31}.._seed1"),
    ],
)  # fmt: skip
def test_folder(words: Sequence[str], name: str) -> None:
    assert folder(*words) == name


def test_a_fork_says_so() -> None:
    """Or a run that goes on with another value would have the name of one that had it from its start."""
    assert folder("tau=0.1", is_fork=True) == "pendulum_ddpg_td3_fork_tau=0.1_seed1"
    choices = {"preset": "td3", "algorithm": "ddpg"}
    names = [Names("pendulum", 1, choices, typed(words), KEYS, True).run() for words in (["gamma=0.9"], [])]
    assert names == ["fork gamma=0.9 seed=1", "pendulum ddpg_td3 fork seed=1"]


def test_many_words_name_the_first_and_the_last() -> None:
    """A script has what it varies in front or at the end."""
    words = ["gamma=0.9", *(f"k{i}=1000000000" for i in range(9)), "noise=ou"]
    assert (
        folder(*words)
        == "pendulum_ddpg_td3_gamma=0.9_k0=1000000000_k1=1000000000_and6more_k8=1000000000_noise=ou_seed1"
    )


@pytest.mark.parametrize(
    ("algorithm", "preset", "name"),
    [("ddpg", "td3", "ddpg_td3"), ("td3", "td3_full", "td3_full"), ("d4pg", "d4pg", "d4pg"), ("sac", None, "sac")],
)
def test_method(algorithm: str, preset: str | None, name: str) -> None:
    assert method({"algorithm": algorithm, "preset": preset}) == name


def test_a_key_is_as_short_as_it_is_clear() -> None:
    assert [short_key(key, KEYS) for key in KEYS[1:4]] == ["noise", "actor.lr", "critic.lr"]
    assert short_key("lr", (*KEYS, "lr")) == "lr"


@given(st.lists(st.tuples(st.sampled_from(KEYS), st.text()), max_size=9))
def test_any_name_is_short_and_needs_no_quotes(words: list[tuple[str, str]]) -> None:
    name = folder(*(f"{key}={value}" for key, value in words))
    assert len(name) <= 200
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._=+-")


def test_hydra_calls_it_for_runs_and_sweeps() -> None:
    """Words in hydra.job.config.override_dirname.exclude_keys are left out, as from Hydra's own name."""
    resolvers.register()
    words = ["env=hopper", "noise=ou", "tau=0.1", "hydra.job.config.override_dirname.exclude_keys=[tau]"]
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        found = hydra.compose("config", overrides=words, return_hydra_config=True)
    OmegaConf.update(found, "hydra.job.num", 3)
    assert Path(found.hydra.run.dir).name.endswith("_hopper-v4_ddpg_td3_noise=ou_seed1")
    assert found.hydra.sweep.subdir == "3_hopper-v4_ddpg_td3_noise=ou_seed1"


def test_names_in_wandb() -> None:
    """Its tables show the beginning of a name, so what was typed comes first; the seeds of a setting share a group."""
    words = ["env=pendulum", "noise=adaptive_parameter", "network=layer_norm", "seed=2", "logger=silent"]
    names = Names("pendulum", 2, {"preset": "td3", "algorithm": "ddpg"}, typed(words), KEYS, False)
    assert names.run() == "env=pendulum noise=adaptive_parameter network=layer_norm seed=2"
    assert names.group("0a1b") == "pendulum ddpg_td3 noise=adaptive_parameter network=layer_norm 0a1b"
    plain = Names("pendulum", 2, {"preset": "td3", "algorithm": "ddpg"}, typed(["seed=2"]), KEYS, False)
    assert (plain.run(), plain.group("0a1b")) == ("pendulum ddpg_td3 seed=2", "pendulum ddpg_td3 0a1b")
