"""Stored policies are described; a video is tried before the training that it will show."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from omegaconf import DictConfig
from support.command_line import user_error
from support.generators import undisturbed_generators
from support.networks import WITHOUT_NAME
from support.stored_runs import CAMERA, stored_run

from ddpg.config.settings import check
from ddpg.errors import UserError
from ddpg.export.write import export
from ddpg.run.policies import require_video, stored_policy

Compose = Callable[..., DictConfig]


@pytest.fixture
def drawn(compose: Compose) -> DictConfig:
    pytest.importorskip("pygame", reason="the extra video is not installed")
    pytest.importorskip("imageio_ffmpeg", reason="the extra video is not installed")
    return check(compose("env=pendulum", "eval.video=true"))


def test_a_trial_changes_no_draw(drawn: DictConfig) -> None:
    with undisturbed_generators():
        require_video(drawn)


def test_a_program_that_is_no_ffmpeg(drawn: DictConfig, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", "/bin/false")
    with user_error("eval.video=true: ... ffmpeg failed"):
        require_video(drawn)


def test_a_description_says_what_becomes_of_pictures(tmp_path: Path) -> None:
    description = stored_policy(stored_run(tmp_path / "run", *CAMERA), "last").description
    assert description.conversions == ["pictures have their channels in front, (3, 16, 16) instead of (16, 16, 3)"]


def test_a_part_without_a_name_is_played_but_not_exported(tmp_path: Path) -> None:
    """A run of an earlier version can have one."""
    run = stored_run(tmp_path / "run", *WITHOUT_NAME)
    policy = stored_policy(run, "last")
    assert policy(np.zeros(3)).shape == (2,)
    assert policy.description.network.arguments["warp"]["_target_"] == "support.networks.unnamed_warp"
    with user_error("network.actor.warp._target_=support.networks.unnamed_warp: ... which a partial does not have"):
        export(run, ["safetensors"], "last", tmp_path / "policy", episodes=1, license=None)


def test_an_actor_that_keeps_more_than_tensors(tmp_path: Path) -> None:
    run = stored_run(tmp_path / "run", "network.actor._target_=support.networks.Tagged")
    assert stored_policy(run, "last")(np.zeros(3)).shape == (2,)
    with user_error("format=safetensors holds tensors alone ... _extra_state"):
        export(run, ["safetensors"], "last", tmp_path / "policy", episodes=1, license=None)


def test_an_environment_that_fails_without_a_video_too(compose: Compose) -> None:
    cfg = check(compose("env=gym", "env.id=Pendulam-v1", "eval.video=true"))
    with pytest.raises(UserError, match=r"^env\.id=Pendulam-v1: no such environment"):
        require_video(cfg)


def test_nothing_draws(compose: Compose, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MUJOCO_GL", "glfw")
    for display in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(display, raising=False)
    with user_error("eval.video=true: ... MUJOCO_GL=glfw, no DISPLAY"):
        require_video(check(compose("env=inverted_pendulum", "eval.video=true")))
