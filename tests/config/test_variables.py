"""Variables of the environment in a config."""

from collections.abc import Callable

import pytest
from omegaconf import DictConfig
from support.command_line import user_error

from ddpg.config.settings import check

Compose = Callable[..., DictConfig]


def test_a_variable_of_the_environment_is_a_text(compose: Compose, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SIGMA", "0.5")
    with user_error("noise.sigma='0.5' ... oc.decode ... 'noise.sigma=\"${oc.decode:${oc.env:SIGMA}}\"'"):
        check(compose("noise.sigma=${oc.env:SIGMA}"))
    assert check(compose('noise.sigma="${oc.decode:${oc.env:SIGMA}}"')).noise.sigma == 0.5


@pytest.mark.parametrize("mode", ["dryrun", ""])
def test_a_variable_of_wandb_that_does_not_fit_is_named(
    mode: str, compose: Compose, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To read it as something else than a text would not help."""
    monkeypatch.setenv("WANDB_MODE", mode)
    with user_error(f"WANDB_MODE={mode}: logger.wandb.mode= ... online, offline, disabled ... unset that variable"):
        check(compose("logger=default"))
    assert check(compose("logger.wandb.mode=disabled")).logger.wandb.mode == "disabled"


def test_the_project_of_wandb_is_that_of_its_variable(compose: Compose, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_PROJECT", raising=False)
    assert check(compose()).logger.wandb.project == "ddpg"
    monkeypatch.setenv("WANDB_PROJECT", "thesis")
    assert check(compose()).logger.wandb.project == "thesis"
    assert check(compose("logger.wandb.project=mine")).logger.wandb.project == "mine"
