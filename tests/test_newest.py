"""scripts/newest.py: which releases it asks for, and what it reports."""

import sys
from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import pytest

import newest

REQUIREMENTS = [
    "torch<2.14,>=2.4",
    "gymnasium<2,>=1.0",
    'gymnasium[box2d]; extra == "box2d"',
    'hydra-ddpg[box2d]; extra == "all"',
    'pandas<3,>=2; extra == "dev"',
]


def test_libraries_lose_their_bounds_and_tools_keep_them() -> None:
    wanted = newest.without_bounds(REQUIREMENTS)
    assert wanted == ["gymnasium", "gymnasium[box2d]", "pandas<3,>=2", "torch"]


def test_packages_that_differ_from_the_pins_are_listed() -> None:
    pinned = {"numpy": "2.4.6", "torch": "2.13.0", "six": "1.17.0"}
    tried = {"numpy": "2.5.0", "torch": "2.13.0", "mujoco-core": "4.0.0"}
    assert newest.differences(pinned, tried) == ["mujoco-core (none) -> 4.0.0", "numpy 2.4.6 -> 2.5.0"]


@pytest.mark.parametrize(("options", "code"), [([], 0), (["--strict"], 1)])
@pytest.mark.parametrize(("torch", "kept"), [([], True), (["--torch"], False)])
def test_failures_count_only_where_that_is_asked_for(
    options: list[str],
    code: int,
    torch: list[str],
    kept: bool,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    commands: list[list[str]] = []

    def fake_run(command: Sequence[Any], **_: Any) -> CompletedProcess[str]:
        commands.append([str(word) for word in command])
        return CompletedProcess(command, 1 if "pytest" in command else 0)

    monkeypatch.setattr(newest.subprocess, "run", fake_run)
    monkeypatch.setattr(newest, "versions", lambda python: {"numpy": "1" if str(python) == sys.executable else "2"})
    assert newest.main([*options, *torch, "--venv", str(tmp_path), "--", "-k", "noise"]) == code
    installed = next(command for command in commands if "wandb" in command)
    assert any(word.startswith("torch==") for word in installed) == kept
    assert commands[-1][-4:] == ["-m", "pytest", "-k", "noise"]
    shown = capsys.readouterr().out
    assert "numpy 1 -> 2" in shown
    assert "failed" in shown
