"""Videos beside each other: each at its own speed, the shorter one dark at the end, names over the panels."""

from pathlib import Path

import numpy as np
import pytest
from support.command_line import user_error

from ddpg.envs import side_by_side
from ddpg.envs.side_by_side import CAPTION, Film
from ddpg.envs.video import writing

pytest.importorskip("imageio_ffmpeg", reason="the extra video is not installed")


def write(path: Path, fps: float, brightness: list[int], side: int) -> Path:
    with writing(path, fps, None, lossless=True) as add_frame:
        for value in brightness:
            add_frame(np.full((side, side, 3), value, np.uint8))
    return path


def test_panels(tmp_path: Path) -> None:
    """One of 64 pixels and 2 pictures at 10 a second, one of 32 pixels and 6 pictures at 20 a second."""
    slow = write(tmp_path / "slow.mp4", 10, [100, 200], 64)
    fast = write(tmp_path / "fast.mp4", 20, [0, 40, 80, 120, 160, 200], 32)
    side_by_side([slow, fast], ["slow", "a/very/long/name/of/a/run/fast"], tmp_path / "both.mp4")

    film = Film(tmp_path / "both.mp4")
    assert (film.fps, film.width, film.height) == (20, 128, 64 + CAPTION)
    pictures = [film.at(number / 20).copy() for number in range(6)]
    assert not film.over
    film.at(6 / 20)
    assert film.over
    film.close()
    middle = CAPTION + 32
    seen = [[picture[middle, 32].mean(), picture[middle, 96].mean()] for picture in pictures]
    np.testing.assert_allclose(seen, [[100, 0], [100, 40], [200, 80], [200, 120], [100, 160], [100, 200]], atol=12)
    assert pictures[5][CAPTION + 2, 70].max() < 12  # the smaller panel stands in the middle
    for panel in (pictures[0][:CAPTION, :64], pictures[0][:CAPTION, 64:]):
        assert panel.min() < 100  # letters
        assert panel.max() > 200
    assert sorted(path.name for path in tmp_path.iterdir()) == ["both.mp4", "fast.mp4", "slow.mp4"]


def test_what_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_text("no video")
    with user_error("a.mp4: ffmpeg cannot read it"):
        side_by_side([tmp_path / "a.mp4"], ["a"], tmp_path / "both.mp4")
