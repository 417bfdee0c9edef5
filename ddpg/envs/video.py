"""A video of an episode: its frames go to ffmpeg while they are drawn, which for MuJoCo is made cheaper."""

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from inspect import getgeneratorlocals
from pathlib import Path
from subprocess import Popen
from typing import IO, Any

import gymnasium
import numpy as np

from ddpg.distribution import install_hint
from ddpg.envs.pictures import is_picture
from ddpg.envs.rendering import Frame, draws_with_mujoco
from ddpg.errors import UserError, untyped_first_line
from ddpg.patience import Patience

log = logging.getLogger(__name__)

#: Side of MuJoCo's shadow map in a video. Its own value, 4096, takes two thirds of the time of a frame on a CPU.
SHADOW_SIZE = 1024
#: The options of imageio_ffmpeg for a video that loses nothing.
LOSSLESS: dict[str, Any] = {"quality": None, "output_params": ["-crf", "0", "-preset", "ultrafast"]}
#: What imageio_ffmpeg raises for a program that is not there, fails, or answers as ffmpeg does not.
FFMPEG_FAILS = (OSError, RuntimeError, IndexError)


@contextmanager
def recording(env: gymnasium.Env[Any, Any], path: Path, lossless: bool = False) -> Iterator[Callable[[Frame], None]]:
    """Yield the function that adds a frame of `env`, (height, width, 3), to an H.264 video, as `writing` does."""
    draw_cheaply(env)
    with writing(path, frames_per_second(env), longest_episode(env), lossless) as add_frame:
        yield add_frame


@contextmanager
def writing(path: Path, fps: float, most: int | None, lossless: bool = False) -> Iterator[Callable[[Frame], None]]:
    """Yield the function that adds a frame, (height, width, 3), to an H.264 video.

    `path` appears at the end of the block, when the video is complete. No frame is kept in memory, and a line now and
    then says how many are drawn, of at most `most`.

    Raises UserError if ffmpeg is not installed or fails.
    """
    unfinished = path.with_name(f"{path.stem}.part{path.suffix}")  # ffmpeg reads the format off the suffix
    frames = Frames(unfinished, fps, most, lossless)
    try:
        try:
            yield frames.add
        finally:
            frames.close()
        frames.require_all()
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)


def ffmpeg() -> Any:
    """Import what calls ffmpeg; raise UserError if it is not installed."""
    try:
        import imageio_ffmpeg
    except ModuleNotFoundError as error:
        raise UserError(f"a video needs ffmpeg: {install_hint('video')}") from error
    return imageio_ffmpeg


def pipes_of(running: Generator[Any, Any, None]) -> list[IO[bytes]]:
    """Return the pipes of a generator of imageio_ffmpeg, which leaves them open if its program has ended by itself."""
    programs = [value for value in getgeneratorlocals(running).values() if isinstance(value, Popen)]
    return [pipe for program in programs for pipe in (program.stdin, program.stdout) if pipe]


def close_pipes(pipes: Sequence[IO[bytes]]) -> None:
    """Close pipes, also to a program that has ended before it took all."""
    for pipe in pipes:
        with suppress(BrokenPipeError):
            pipe.close()


class Frames:
    """Frames on their way to a file.

    Args:
        path: the file.
        fps: frames per second of the video.
        most: how many may come, for the lines about progress; None: not known.
        lossless: whether the file, which is then large, has the frames as they came, but for colours of single pixels.

    Raises:
        UserError: ffmpeg is not installed.
    """

    def __init__(self, path: Path, fps: float, most: int | None, lossless: bool) -> None:
        self._path = path
        self._fps = fps
        self._most = "" if most is None else f" of at most {most}"
        self._ffmpeg = ffmpeg()
        self._quality = LOSSLESS if lossless else {}
        self._writer: Generator[None, Any, None] | None = None
        self._pipes: list[IO[bytes]] = []
        self._count = 0
        self._patience = Patience(log)

    def add(self, frame: Frame) -> None:
        """Pass a frame to ffmpeg; raise UserError if it does not take it."""
        try:
            if self._writer is None:
                self._writer = self._start(frame)
            self._writer.send(np.ascontiguousarray(frame))
        except FFMPEG_FAILS as error:
            raise UserError(f"{self._path}: ffmpeg failed: {untyped_first_line(error)}") from error
        self._count += 1
        self._patience.info("video: %d frames%s", self._count, self._most)

    def close(self) -> None:
        """Let ffmpeg finish the file."""
        if self._writer is not None:
            self._writer.close()
        close_pipes(self._pipes)

    def require_all(self) -> None:
        """Raise UserError if frames are missing, as on a full disk, because ffmpeg does not fail then."""
        try:
            written, _ = self._ffmpeg.count_frames_and_secs(str(self._path))
        except FFMPEG_FAILS as error:
            raise UserError(f"{self._path}: ffmpeg cannot read what it wrote") from error
        if written < self._count:
            raise UserError(f"{self._path}: ffmpeg wrote {written} of {self._count} frames")

    def _start(self, frame: Frame) -> Generator[None, Any, None]:
        size = (frame.shape[1], frame.shape[0])
        # yuv420p needs even sides; 16, the default macro block, would stretch 500 x 500
        options = {"fps": self._fps, "macro_block_size": 2, "ffmpeg_log_level": "error"} | self._quality
        writer: Generator[None, Any, None] = self._ffmpeg.write_frames(str(self._path), size, **options)
        writer.send(None)
        self._pipes = pipes_of(writer)
        return writer


def draw_cheaply(env: gymnasium.Env[Any, Any]) -> None:
    """Let MuJoCo draw in a quarter of the time, with coarser shadows and edges, unless pictures are observations."""
    if not draws_with_mujoco(env) or is_picture(env.observation_space):
        return
    bare: Any = env.unwrapped
    model = bare.model if hasattr(bare, "model") else bare._env.physics.model  # gymnasium's own, shimmy's of dm_control
    quality = model.vis.quality
    quality.shadowsize = min(quality.shadowsize, SHADOW_SIZE)
    quality.offsamples = 0


def frames_per_second(env: gymnasium.Env[Any, Any]) -> float:
    """Return the number of agent decisions in a second of simulated time, at which a video plays at its speed.

    The control step `dt` comes first, because shimmy's `render_fps` for dm_control is 1000 dt instead of 1 / dt.
    """
    return _simulator_rate(env) / _action_repeat(env)


def longest_episode(env: gymnasium.Env[Any, Any]) -> int | None:
    """Return the number of agent decisions after which an episode is cut; None if it is not known."""
    limit = None if env.spec is None else env.spec.max_episode_steps
    return None if limit is None else -(-limit // _action_repeat(env))


def _action_repeat(env: gymnasium.Env[Any, Any]) -> int:
    return env.get_wrapper_attr("action_repeat") if env.has_wrapper_attr("action_repeat") else 1


def _simulator_rate(env: gymnasium.Env[Any, Any]) -> float:
    step = getattr(env.unwrapped, "dt", None)
    if isinstance(step, int | float) and step > 0:
        return 1 / step
    return float(env.metadata.get("render_fps") or 30)
