"""Values from variables of the environment whose names say that they are secrets."""

from collections.abc import Callable

import pytest
from omegaconf import DictConfig
from support.command_line import user_error

from ddpg.config.settings import check


@pytest.mark.parametrize("value", ["${oc.env:LAB_API_KEY}", "[1,'x${oc.env:Token,none}']", "${oc.env:db.password}"])
def test_a_secret_is_refused(value: str, compose: Callable[..., DictConfig]) -> None:
    with user_error("extra.robot: the value of ... would stand in config.yaml, at W&B and in exported policies"):
        check(compose(f"+extra.robot={value}"))


def test_other_variables_are_not(compose: Callable[..., DictConfig], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEYBOARD", "de")
    assert check(compose("+extra.robot=${oc.env:KEYBOARD}")).extra.robot == "de"
