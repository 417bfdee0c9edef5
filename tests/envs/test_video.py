"""Videos: every frame is in the file, which is whole or not there; progress; MuJoCo draws cheaply."""

import logging
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.envs import has_software_renderer, make

from ddpg.distribution import install_hint
from ddpg.envs import recording
from ddpg.envs.video import SHADOW_SIZE, draw_cheaply, longest_episode
from ddpg.errors import UserError


@pytest.fixture
def ffmpeg() -> Any:
    return pytest.importorskip("imageio_ffmpeg", reason="the extra video is not installed")


def record(path: Path, count: int, fail: bool = False) -> None:
    """Record some frames of 50 x 70 pixels; after them the episode may fail."""
    with recording(make("pendulum"), path) as add_frame:
        for k in range(count):
            add_frame(np.full((50, 70, 3), 8 * k % 256, np.uint8))
        if fail:
            raise ZeroDivisionError


def test_video_has_every_frame(
    ffmpeg: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("ddpg.patience.REPORT_S", 0.0)
    caplog.set_level(logging.INFO, "ddpg.envs.video")
    path = tmp_path / "policy.mp4"
    record(path, 24)
    count, seconds = ffmpeg.count_frames_and_secs(str(path))
    assert (count, seconds) == (24, pytest.approx(24 / 20, abs=0.1))
    assert next(ffmpeg.read_frames(str(path)))["size"] == (70, 50)
    assert [file.name for file in tmp_path.iterdir()] == ["policy.mp4"]
    assert caplog.messages[-1] == "video: 24 frames of at most 200"


def test_video_that_is_not_finished_leaves_the_one_before(ffmpeg: Any, tmp_path: Path) -> None:
    path = tmp_path / "policy.mp4"
    path.write_text("the one before")
    with pytest.raises(ZeroDivisionError):
        record(path, 3, fail=True)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("policy.mp4", "the one before")]


def test_video_that_cannot_be_written(ffmpeg: Any, tmp_path: Path) -> None:
    path = tmp_path / "none" / "policy.mp4"
    with pytest.raises(UserError, match=r"policy\.part\.mp4: ffmpeg failed") as caught:
        record(path, 10_000)  # until the pipe to ffmpeg is broken
    assert "\n" not in str(caught.value)


def test_video_without_ffmpeg_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    with pytest.raises(UserError) as caught:
        record(tmp_path / "policy.mp4", 1)
    assert install_hint("video") in str(caught.value)


@pytest.mark.parametrize(("overrides", "decisions"), [([], 200), (["env.action_repeat=3"], 67)])
def test_longest_episode_counts_decisions(overrides: list[str], decisions: int) -> None:
    assert longest_episode(make("pendulum", *overrides)) == decisions


@pytest.mark.parametrize(("name", "pixels"), [("hopper", False), ("dmc_cartpole_swingup", False), ("hopper", True)])
def test_mujoco_draws_cheaply_where_pictures_are_no_observations(name: str, pixels: bool) -> None:
    if not has_software_renderer():
        pytest.skip("neither libEGL nor libOSMesa is installed")
    env = make(name, *(["env.pixels=16"] if pixels else []), render=True)
    draw_cheaply(env)
    bare = env.unwrapped
    quality = (bare.model if name == "hopper" else bare._env.physics.model).vis.quality
    assert (quality.shadowsize <= SHADOW_SIZE, quality.offsamples == 0) == (not pixels, not pixels)
    env.reset(seed=0)
    assert np.asarray(env.render()).std() > 1
    env.close()
