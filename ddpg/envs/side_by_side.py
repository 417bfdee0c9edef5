"""Several videos as one, with the panels beside each other and a name over each."""

from collections.abc import Generator, Sequence
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ddpg.envs.rendering import Frame
from ddpg.envs.video import FFMPEG_FAILS, close_pipes, ffmpeg, pipes_of, writing
from ddpg.errors import UserError

#: Height of the line with a name, in pixels, and size of its letters.
CAPTION = 28
LETTERS = 16
#: How bright the last picture of a panel stays while others go on.
OVER = 0.5


class Film:
    """A video that is read picture by picture; it has at least one."""

    def __init__(self, path: Path) -> None:
        try:
            self._frames: Generator[Any, None, None] = ffmpeg().read_frames(str(path))
            meta = next(self._frames)
        except FFMPEG_FAILS as error:
            raise UserError(f"{path}: ffmpeg cannot read it") from error
        self._pipes = pipes_of(self._frames)
        self.fps: float = meta["fps"]
        self.width, self.height = meta["size"]
        self.over = False
        self._next = 0
        self._picture = np.zeros((self.height, self.width, 3), np.uint8)

    def at(self, seconds: float) -> Frame:
        """Return the picture of a time, which is not before that of the last call: (height, width, 3).

        After the end it is the last one, darkened.
        """
        while self._next <= seconds * self.fps + 1e-6 and not self.over:
            frame = next(self._frames, None)
            if frame is None:
                self.over = True
                self._picture = (OVER * self._picture).astype(np.uint8)
            else:
                self._picture = np.frombuffer(frame, np.uint8).reshape(self.height, self.width, 3)
                self._next += 1
        return self._picture

    def close(self) -> None:
        """End the program that reads."""
        self._frames.close()
        close_pipes(self._pipes)


def side_by_side(videos: Sequence[Path], names: Sequence[str], path: Path) -> None:
    """Write a video with a panel for each of these, at the speed of each, until the last one ends.

    Raises UserError if ffmpeg is not installed or fails.
    """
    films = [Film(video) for video in videos]
    width = max(film.width for film in films)
    height = max(film.height for film in films)
    captions = [_caption(name, width) for name in names]
    fps = max(film.fps for film in films)
    try:
        with writing(path, fps, None) as add_frame:
            for number in count():
                pictures = [film.at(number / fps) for film in films]
                if all(film.over for film in films):
                    break
                cells = [_centered(picture, height, width) for picture in pictures]
                add_frame(np.hstack([np.vstack(pair) for pair in zip(captions, cells, strict=True)]))
    finally:
        for film in films:
            film.close()


def _caption(name: str, width: int) -> Frame:
    """Draw a name, or as much of its end as there is room for: (CAPTION, width, 3)."""
    font = ImageFont.load_default(LETTERS)
    text = name
    while font.getlength(text) > width - LETTERS and len(text) > 2:
        text = "..." + text.removeprefix("...")[1:]
    picture = Image.new("RGB", (width, CAPTION), "white")
    ImageDraw.Draw(picture).text((width / 2, CAPTION / 2), text, "black", font, "mm")
    return np.asarray(picture)


def _centered(picture: Frame, height: int, width: int) -> Frame:
    """Put a picture on black of another size."""
    cell = np.zeros((height, width, 3), np.uint8)
    top = (height - picture.shape[0]) // 2
    left = (width - picture.shape[1]) // 2
    cell[top : top + picture.shape[0], left : left + picture.shape[1]] = picture
    return cell
