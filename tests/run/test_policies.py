"""Stored policies are described; a video is tried before the training that it will show."""

from collections.abc import Callable
from pathlib import Path

import pytest
from omegaconf import DictConfig
from support.command_line import user_error
from support.generators import undisturbed_generators
from support.stored_runs import CAMERA, stored_run

from ddpg.config.settings import check
from ddpg.errors import UserError
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
