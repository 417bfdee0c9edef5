"""What the program gives to constructors: to each what it asks for, and a line for what does not fit."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest
from omegaconf import DictConfig, OmegaConf

from ddpg.config.given import GIVEN, asked, require_parts_that_fit
from ddpg.config.settings import check
from ddpg.errors import UserError

Compose = Callable[..., DictConfig]


class Algorithm:
    """It learns one network with one optimizer, and may have a second optimizer."""

    def __init__(self, *, make_actor: Any, actor_optimizer: Any, tau: float, alpha_optimizer: Any = None) -> None: ...


class Greedy(Algorithm):
    """It asks for something that nobody gives."""

    def __init__(self, *, make_actor: Any, actor_optimizer: Any, n_atoms: int) -> None: ...


class Anything(Algorithm):
    """It takes whatever comes."""

    def __init__(self, *, make_actor: Any, actor_optimizer: Any, **rest: Any) -> None: ...


def config(*optimizers: str, networks: tuple[str, ...] = ("actor",), algorithm: type = Algorithm) -> dict[str, Any]:
    """The groups of a config as far as this matters."""
    part = {"_target_": "builtins.dict"}
    return {
        "algorithm": {"_target_": f"{__name__}.{algorithm.__name__}"},
        "network": dict.fromkeys(networks, part) | {"normalize_obs": None},
        "optimizer": dict.fromkeys(optimizers, part),
    }


def test_a_constructor_gets_what_it_asks_for_and_nothing_else() -> None:
    offered = {"make_actor": 1, "actor_optimizer": 2, "tau": 0.5, "low": 3, "generator": 4}
    assert asked(f"{__name__}.Algorithm", offered) == {"make_actor": 1, "actor_optimizer": 2, "tau": 0.5}
    # what comes as **rest goes on to the base class, which asks for tau
    assert asked(f"{__name__}.Anything", offered) == {"make_actor": 1, "actor_optimizer": 2, "tau": 0.5}


@pytest.mark.parametrize("optimizers", [("actor",), ("actor", "alpha")])
def test_parts_that_fit(optimizers: tuple[str, ...]) -> None:
    require_parts_that_fit(config(*optimizers))


@pytest.mark.parametrize(
    ("values", "parts"),
    [
        (config("actor", "beta"), ["optimizer.beta", "Algorithm", "optimizer.actor, optimizer.alpha"]),
        (
            config("actor", networks=("actor", "critic")),
            ["network.critic", "Algorithm", "takes network.actor", "~network.critic"],
        ),
        (config("alpha"), ["optimizer.actor is missing", "Algorithm"]),
        (config("actor", networks=()), ["network.actor is missing", "Algorithm"]),
        (
            config("actor", "beta", networks=("actor", "critic")),
            ["network.critic, optimizer.beta", "Algorithm", "~network.critic ~optimizer.beta"],
        ),
        (config(networks=()), ["network.actor, optimizer.actor are missing", "Algorithm"]),
        (config("actor", "beta", algorithm=Anything), ["optimizer.beta", "Anything"]),
    ],
)
def test_parts_that_do_not_fit(values: Mapping[str, Any], parts: list[str]) -> None:
    with pytest.raises(UserError) as refusal:
        require_parts_that_fit(values)
    assert "\n" not in str(refusal.value)
    for part in parts:
        assert part in str(refusal.value)


def test_an_optimizer_more_on_the_command_line(compose: Compose) -> None:
    with pytest.raises(
        UserError, match=r"^optimizer\.alpha: ddpg\.learner\.agent\.DDPG .*optimizer\.critic; .* ~optimizer\.alpha$"
    ):
        check(compose("+optimizer.alpha=${optimizer.actor}"))
    with pytest.raises(UserError, match=r"^optimizer\.alpha=3 must be .* _target_$"):
        check(compose("+optimizer.alpha=3"))


def test_an_argument_that_nobody_gives(compose: Compose) -> None:
    cfg = compose()
    cfg.algorithm = {"_target_": f"{__name__}.Greedy"}
    with pytest.raises(UserError) as refusal:
        check(cfg)
    assert str(refusal.value).startswith("algorithm.n_atoms is missing")
    assert all(name.replace("*", "NAME") in str(refusal.value) for name in GIVEN["algorithm"])


def test_what_the_program_gives_is_not_set_by_the_config(compose: Compose) -> None:
    cfg = compose()
    OmegaConf.update(cfg, "algorithm.low", 3, force_add=True)
    with pytest.raises(UserError, match=r"^algorithm\.low=3: low is set by the program"):
        check(cfg)
