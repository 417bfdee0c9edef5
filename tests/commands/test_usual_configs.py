"""What differs from a preset is told without composing a preset twice."""

from pathlib import Path
from typing import Any

import pytest
from support.report_runs import write_run

from ddpg.commands.usual_configs import UsualConfigs
from ddpg.report.facts import changed
from ddpg.report.reading import find_runs

CHOICES = {"env": "halfcheetah", "preset": "td3"}


@pytest.fixture(scope="module")
def usual() -> UsualConfigs:
    return UsualConfigs()


def changed_in(
    tmp_path: Path, usual: UsualConfigs, choices: dict[str, str], **keys: Any
) -> dict[str, list[str]] | None:
    """Return what differs in a run whose config has little beside these keys."""
    write_run(tmp_path / "a", [1.0], choices=choices, **keys)
    found = changed(find_runs([tmp_path])[0], usual)
    return found and {key: found[key] for key in found if key.split(".")[0] in ("gamma", "tau", "noise", "batch_size")}


def test_values_of_the_preset_stand_beside_those_of_the_run(tmp_path: Path, usual: UsualConfigs) -> None:
    keys = {"gamma": 0.9, "tau": 0.005, "batch_size": 256.0}
    found = changed_in(tmp_path, usual, CHOICES, noise={"_target_": "ddpg.noise.Gaussian", "sigma": 0.3}, **keys)
    assert found == {"gamma": ["0.99", "0.9"], "noise.sigma": ["0.1", "0.3"]}


def test_an_environment_by_its_id(tmp_path: Path, usual: UsualConfigs) -> None:
    """Its option is recorded as gym, also where no word gave the id."""
    env = {"name": "swimmer-v5", "id": "Swimmer-v5"}
    found = changed_in(tmp_path, usual, {**CHOICES, "env": "pendulum"}, env=env, gamma=0.9)
    assert found is not None
    assert found["gamma"] == ["0.99", "0.9"]


@pytest.mark.parametrize("choices", [{}, {**CHOICES, "preset": "one_of_mine"}])
def test_what_is_not_known_is_not_told(tmp_path: Path, usual: UsualConfigs, choices: dict[str, str]) -> None:
    assert changed_in(tmp_path, usual, choices) is None
