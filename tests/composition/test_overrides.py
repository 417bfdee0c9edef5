"""Overrides as Hydra parses them: flags, and the jobs of a sweep."""

import hydra
import pytest
from hydra.core.global_hydra import GlobalHydra
from support.command_line import user_error

from ddpg.composition.overrides import known_flags, require_lists, variations
from ddpg.errors import UserError


@pytest.mark.parametrize(
    ("words", "jobs"),
    [
        ("gamma=0.9", ["gamma=0.9"]),
        ("seed=1,2,3 tau=4,5", ["seed=1 tau=4", "seed=2 tau=4", "seed=3 tau=4", "seed=1 tau=5"]),
        ("seed=range(1,5) tau=0.1", ["seed=1 tau=0.1", "seed=4 tau=0.1"]),  # the ends of a range stand for all of it
        ("seed=range(1,2) ~noise", ["seed=1 ~noise"]),
        ("noise=glob(ou) tau=1", ["noise=ou tau=1"]),
        ("gamma=interval(0,1) tau=1", ["tau=1"]),  # its values are the sweeper's
    ],
)
def test_variations(words: str, jobs: list[str]) -> None:
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        found = variations(words.split(), GlobalHydra.instance().config_loader())
    assert [" ".join(job) for job in found] == jobs


@pytest.mark.parametrize(
    ("words", "parts"),
    [
        ("seed=range(3,1) tau=1", "seed=range(3,1) has no values"),
        ("noise=glob(x*)", "noise=glob(x*) has no values"),
        ("seed=1,2,1", "seed=1,2,1 has 1 twice ... extra.repeat=1,2"),
        ("gamma=0.9,0.90", "gamma=0.9,0.90 has 0.9 twice"),
    ],
)
def test_no_sweep(words: str, parts: str) -> None:
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"), user_error(parts):
        variations(words.split(), GlobalHydra.instance().config_loader())


def test_intervals_are_for_a_search() -> None:
    require_lists(["gamma=0.9,0.8", "seed=range(1,3)"], "basic")
    with user_error("gamma=interval(0,1) ... hydra/sweeper=basic ... gamma=0.1,0.2"):
        require_lists(["gamma=interval(0,1)"], "basic")


def test_flags_and_overrides_in_any_order() -> None:
    flags = known_flags(["seed=1", "--cfg", "job", "tau=1", "-m"])
    assert (flags.overrides, flags.cfg, flags.multirun) == (["seed=1", "tau=1"], "job", True)


@pytest.mark.parametrize("words", ["--seed 3", "--cfg nope", "--config-dir nope"])
def test_flags_that_are_none(words: str) -> None:
    with pytest.raises(UserError, match=rf"{words.split()[0]}\b"):
        known_flags(words.split())


def test_what_looks_like_a_flag_inside_brackets() -> None:
    with user_error("'a=[-1, -0.5]'"):
        known_flags(["seed=1", "a=[-1,", "-0.5]"])
