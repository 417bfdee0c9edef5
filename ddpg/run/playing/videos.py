"""Videos of stored policies: of one, or of several beside each other."""

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ddpg.envs import recording, side_by_side
from ddpg.run.playing.playable import Playable
from ddpg.run.playing.stage import OnStep, Part, Stage
from ddpg.training.evaluate import Episodes
from ddpg.training.seeding import process_generators_kept


def record(
    playable: Playable, seed: int, path: Path, on_step: OnStep | None = None, lossless: bool = False
) -> Episodes:
    """Play one episode and write its video; `on_step` is called at every step and may raise.

    Raises UserError if there is nothing to draw or to write with.
    """
    with process_generators_kept(), Stage(Part(playable), render=True) as stage:
        path.parent.mkdir(exist_ok=True)
        with recording(stage.env, path, lossless) as add_frame:
            return stage.episode(seed, add_frame, on_step)


def record_side_by_side(playables: Sequence[Playable], seed: int, path: Path) -> list[Episodes]:
    """Play one episode of each policy, and write a video with a panel for each, under its name.

    They are drawn one after the other, because environments may share the generators of the process.
    """
    with TemporaryDirectory() as folder:
        videos = [Path(folder) / f"{place}.mp4" for place in range(len(playables))]
        recorded = [
            record(playable, seed, video, lossless=True) for playable, video in zip(playables, videos, strict=True)
        ]
        side_by_side(videos, [playable.name for playable in playables], path)
    return recorded
