"""Keys that a config does not list: those of open dictionaries, parameters of a user's class, and mistakes."""

from collections.abc import Callable

import hydra
import pytest
from omegaconf import DictConfig

from ddpg.config import resolvers
from ddpg.config.places import has_place


class OwnNoise:
    """It has a parameter that its YAML leaves out."""

    def __init__(
        self, sigma: float, *, rng: object, decay: float = 1.0, table: dict[str, float] | None = None
    ) -> None: ...


class Anything:
    """It takes whatever comes."""

    def __init__(self, **rest: object) -> None: ...


@pytest.fixture(scope="module")
def composed() -> Callable[..., DictConfig]:
    resolvers.register()
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        config = hydra.compose("config", ["hydra/launcher=slurm"], return_hydra_config=True)

    def _composed(target: type | str | None) -> DictConfig:
        own = config.copy()
        if target is not None:
            own.noise = {"_target_": target if isinstance(target, str) else f"{__name__}.{target.__name__}", "sigma": 1}
        return own

    return _composed


@pytest.mark.parametrize(
    ("key", "target", "expected"),
    [
        ("extra.note", None, True),
        ("extra.a.b", None, True),
        ("env.kwargs.gravity", None, True),
        ("hydra.launcher.additional_parameters.exclude", None, True),
        ("hydra.job.env_set.A", None, True),
        ("hydra.job.nme", None, False),
        ("hydra", None, False),
        ("env.kwarg.gravity", None, False),
        ("env.imports.x", None, False),
        ("gama", None, False),
        ("eval.every.x", None, False),
        ("noise.theta", None, False),
        ("noise.rng", None, False),
        ("network.actr.norm", None, False),
        ("network.actor.nrm", None, False),
        ("network.critic.nrm", None, False),
        ("optimizer.alpha", None, False),
        ("noise.decay", OwnNoise, True),
        ("noise.dekay", OwnNoise, False),
        ("noise.table.x", OwnNoise, True),
        ("noise.sigma.x", OwnNoise, False),
        ("noise.dekay", Anything, True),
        ("noise.dekay", "no_such_module.Noise", True),
    ],
)
def test_has_place(key: str, target: type | str | None, expected: bool, composed: Callable[..., DictConfig]) -> None:
    assert has_place(composed(target), key) == expected


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("network.critic.decay", True),
        ("network.critic.table.x", True),
        ("network.critic.dekay", False),
        ("network.other.decay", False),
        ("optimizer.critic.amsgrad", True),
        ("optimizer.critic.amsgard", False),
        ("optimizer.actor.amsgrad", False),
    ],
)
def test_places_in_further_networks_and_optimizers(
    key: str, expected: bool, composed: Callable[..., DictConfig]
) -> None:
    config = composed(None)
    config.network.critic._target_ = f"{__name__}.OwnNoise"
    config.optimizer.critic._target_ = "torch.optim.AdamW"
    assert has_place(config, key) == expected
