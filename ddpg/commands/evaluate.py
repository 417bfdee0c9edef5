"""The command `ddpg-eval`: the returns of noise-free episodes of stored policies."""

import json
import sys
from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING

from ddpg.commands.command_line import find_own_packages, one_line_errors, print_progress
from ddpg.commands.evaluate_arguments import EvalArguments, eval_arguments
from ddpg.errors import UserError
from ddpg.interrupt import ending_at_once
from ddpg.record.find_run import require_there
from ddpg.record.provenance import available_cores
from ddpg.record.run_folder import atomic_write
from ddpg.remote import is_remote
from ddpg.streams import stdout_as_stderr

if TYPE_CHECKING:
    from ddpg.run.playing import Playable, Played
    from ddpg.training.evaluate import Episodes


def main() -> None:
    """`ddpg-eval SOURCE... [KEY=VALUE ...]`: print the returns of noise-free episodes."""
    find_own_packages()
    print_progress()
    with one_line_errors("ddpg-eval"):
        sources, arguments = eval_arguments(sys.argv[1:])
        for source in sources:
            if not is_remote(source):
                require_there(Path(source), source)
        with ending_at_once():
            import ddpg.run.playing  # noqa: F401 - torch is loaded when there is something to evaluate

        with ExitStack() as stack:
            if arguments.json == "-":
                stack.enter_context(stdout_as_stderr())  # simulators print there
            played = _played(sources, arguments)
        _print(played, arguments)


def _played(sources: Sequence[str], arguments: EvalArguments) -> "list[Played]":
    """Play the episodes of all sources, the first ones for the video, if one is wanted."""
    from ddpg.envs import Window
    from ddpg.run.playing import compare, play_seeds

    playables = _opened(sources, arguments)
    seeds = play_seeds(arguments.episodes, arguments.seed)
    processes = _processes(playables, arguments)
    disturbances = arguments.disturbances()
    if arguments.watch:
        with closing(Window()) as window:
            return compare(playables, seeds, disturbances, show=lambda part, env: window.frames_of(env, str(part)))
    record_first = _recording(playables, arguments, seeds[0])
    return compare(playables, seeds, disturbances, processes, record_first=record_first)


def _processes(playables: "Sequence[Playable]", arguments: EvalArguments) -> int:
    """Return how many processes play; auto is 1 where only one environment can exist at a time."""
    if arguments.processes != "auto":
        return arguments.processes
    return 1 if any(one.recipe.single for one in playables) else len(available_cores())


def _opened(sources: Sequence[str], arguments: EvalArguments) -> "list[Playable]":
    """Find what is to be played; where there are several, a message begins with the one that it is about."""
    from ddpg.run.playing import open_playable

    playables = []
    for source in sources:
        try:
            playables.append(open_playable(source, arguments.actor, arguments.trust))
        except UserError as error:
            known = len(sources) == 1 or source in str(error)
            raise error if known else UserError(f"{source}: {error}") from error
    return playables


def _video(playables: "Sequence[Playable]", arguments: EvalArguments) -> Path | None:
    """Return the file of the video, or None if none is wanted."""
    if not arguments.video:
        return None
    if isinstance(arguments.video, str):
        return Path(arguments.video)
    if playables[0].video is None:
        raise UserError(f"video=true: {playables[0].name} is no run folder; name the file, video=FILE.mp4")
    return playables[0].video


def _recording(
    playables: "Sequence[Playable]", arguments: EvalArguments, seed: int
) -> "Callable[[], list[Episodes]] | None":
    """Return the function that plays the first episode of each policy for the video; None without a video."""
    from ddpg.run.playing import record, record_side_by_side

    path = _video(playables, arguments)
    if path is None:
        return None
    if len(playables) == 1:
        return lambda: [record(playables[0], seed, path)]
    return lambda: record_side_by_side(playables, seed, path)


def _print(played: "Sequence[Played]", arguments: EvalArguments) -> None:
    from ddpg.commands.evaluate_output import as_json, text

    content = json.dumps(as_json(played), indent=2, allow_nan=False) + "\n"
    if arguments.json == "-":
        sys.stdout.write(content)
        return
    print("\n".join(text(played)))
    video = _video([one.part.playable for one in played], arguments)
    if video is not None:
        print(f"video: {video}")
    if arguments.json is not None:
        with atomic_write(Path(arguments.json)) as file:
            file.write(content.encode())
