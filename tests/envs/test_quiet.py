"""What simulators print: nothing that hides the progress of a run, and nothing of an environment is lost."""

import logging
import os
from pathlib import Path
from typing import Any

import pytest
from support.envs import Toy, make, registered

from ddpg.envs.quiet import route_mujoco_warnings


@pytest.mark.parametrize("name", ["halfcheetah", "pybullet_hopper", "dmc_cheetah_run"])
def test_building_and_resetting_print_nothing_and_leave_no_file(
    name: str,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    env = make(name)
    env.reset(seed=0)
    env.close()
    assert capfd.readouterr().out == ""
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert not list(tmp_path.iterdir())


def test_lines_of_the_environment_are_kept(capfd: pytest.CaptureFixture[str]) -> None:
    class Chatty(Toy):
        def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict]:
            os.write(1, b"argv[0]=\nthe robot is on\n")  # as C code does, past sys.stdout
            return super().reset(seed=seed, options=options)

    Chatty.__module__ = "pybullet_envs_gymnasium.toys"
    env = registered(Chatty).make()
    env.reset(seed=0)
    assert capfd.readouterr().out == "the robot is on\n"
    env.reset(seed=1)
    assert capfd.readouterr().out == "argv[0]=\nthe robot is on\n"  # PyBullet connects in the first reset


@pytest.mark.parametrize(
    ("xml", "level"),
    [("<mujoco><compiler settotalmass='1'/></mujoco>", "DEBUG"), ("<mujoco><option timestep='0.01'/></mujoco>", None)],
)
def test_deprecations_in_the_xml_of_a_model_are_no_warnings(
    xml: str, level: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    mujoco = pytest.importorskip("mujoco")
    route_mujoco_warnings()
    with caplog.at_level(logging.DEBUG, logger="ddpg.envs.quiet"):
        mujoco.MjModel.from_xml_string(xml)
    assert [record.levelname for record in caplog.records] == ([level] if level else [])
