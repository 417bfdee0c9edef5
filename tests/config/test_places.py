"""Keys that a config does not list: those of open dictionaries, parameters of a user's class, and mistakes."""

from collections.abc import Callable

import hydra
import pytest
from omegaconf import DictConfig

from ddpg.config import resolvers
from ddpg.config.places import Place, place


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
        ("extra.note", None, "free"),
        ("extra.a.b", None, "free"),
        ("env.kwargs.gravity", None, "free"),
        ("hydra.launcher.additional_parameters.exclude", None, "free"),
        ("hydra.job.env_set.A", None, "free"),
        ("hydra.job.nme", None, None),
        ("hydra", None, None),
        ("env.kwarg.gravity", None, None),
        ("env.imports.x", None, None),
        ("gama", None, None),
        ("eval.every.x", None, None),
        ("noise.theta", None, None),
        ("noise.rng", None, None),
        ("network.actr.norm", None, None),
        ("network.actor.nrm", None, None),
        ("optimizer.alpha", None, None),
        ("noise.decay", OwnNoise, "named"),
        ("noise.dekay", OwnNoise, None),
        ("noise.table.x", OwnNoise, "free"),
        ("noise.sigma.x", OwnNoise, None),
        ("noise.dekay", Anything, "free"),
        ("noise.dekay", "no_such_module.Noise", "free"),
    ],
)
def test_place(
    key: str, target: type | str | None, expected: Place | None, composed: Callable[..., DictConfig]
) -> None:
    assert place(composed(target), key) == expected
