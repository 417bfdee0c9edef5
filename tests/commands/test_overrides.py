"""Overrides as Hydra parses them: the jobs of a sweep, and the first mistake."""

from pathlib import Path

import hydra
import pytest
from hydra.core.global_hydra import GlobalHydra
from support.command_line import assert_has

from ddpg.commands.overrides import find_mistake, known_flags, variations
from ddpg.errors import UserError


@pytest.mark.parametrize(
    ("words", "jobs"),
    [
        ("gamma=0.9", ["gamma=0.9"]),
        ("seed=1,2,3 tau=4,5", ["seed=1 tau=4", "seed=2 tau=4", "seed=3 tau=4", "seed=1 tau=5"]),
        ("seed=range(1,5) tau=0.1", ["seed=1 tau=0.1", "seed=4 tau=0.1"]),  # the ends of a range stand for all of it
        ("seed=range(1,2) ~noise", ["seed=1 ~noise"]),
        ("seed=range(1,1) tau=1", ["tau=1"]),
        ("noise=glob(ou) tau=1", ["noise=ou tau=1"]),
        ("gamma=interval(0,1) tau=1", ["tau=1"]),  # its values are the sweeper's
    ],
)
def test_variations(words: str, jobs: list[str]) -> None:
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        found = variations(words.split(), GlobalHydra.instance().config_loader())
    assert [" ".join(job) for job in found] == jobs


def test_flags_and_overrides_in_any_order() -> None:
    flags = known_flags(["seed=1", "--cfg", "job", "tau=1", "-m"])
    assert (flags.overrides, flags.cfg, flags.multirun) == (["seed=1", "tau=1"], "job", True)


@pytest.mark.parametrize("words", ["--seed 3", "--cfg nope", "--config-dir nope"])
def test_flags_that_are_none(words: str) -> None:
    with pytest.raises(UserError, match=rf"{words.split()[0]}\b"):
        known_flags(words.split())


@pytest.mark.parametrize(
    "words",
    [
        "env=hopper preset=paper noise.sigma=0.1 network.actor.norm=layer",
        "~noise +extra.a=1 extra.a=2 ++extra.b=1 +extra={c:1} extra.c=2 env.budget={total_steps:9}",
        "hydra.run.dir=x hydra/launcher=local +hydra.job.env_set.A=1 experiment=pendulum",
        "seed=1,2 noise=ou,gaussian -m",
        "+noise@second=ou second.sigma=0.1",
        "experiment=noise_study seed=1,2",
    ],
)
def test_what_hydra_accepts_is_no_mistake(words: str) -> None:
    assert find_mistake(words.split()) is None


def test_groups_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "plant").mkdir()
    (tmp_path / "plant" / "tree.yaml").write_text("height: 3\n")
    own = ["--config-dir", str(tmp_path)]
    assert find_mistake([*own, "+plant=tree", "plant.height=4"]) is None
    assert_has(str(find_mistake([*own, "+plant=tree", "plant.hight=4"])), "plant.hight=4 ... plant.height?")
    assert_has(str(find_mistake([*own, "+plant=tre"])), "plant=tre ... tree?")
