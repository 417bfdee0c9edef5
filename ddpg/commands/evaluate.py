"""The command `ddpg-eval`: the returns of noise-free episodes of a trained actor."""

import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal

from ddpg.commands.command_line import find_own_packages, is_value, key_values, one_line_errors, print_help
from ddpg.config.signature import fit
from ddpg.errors import UserError
from ddpg.interrupt import ending_at_once
from ddpg.ranges import Count, PositiveInt
from ddpg.record.find_run import require_run
from ddpg.record.run_folder import RunFolder


@dataclass
class EvalArguments:
    """The arguments of `ddpg-eval`: the run folder, then KEY=VALUE."""

    folder: str
    episodes: PositiveInt = field(default=10, metadata={"help": "how many, at least 1"})
    video: bool = field(default=False, metadata={"help": "true records the first one as RUN/videos/ACTOR.mp4"})
    actor: Literal["last", "best"] = field(
        default="last", metadata={"help": "last, or best: the one with the best evaluation in training"}
    )
    seed: Count = field(default=0, metadata={"help": "whole number; another one begins from other starts"})


def main() -> None:
    """`ddpg-eval RUN [KEY=VALUE ...]`: print the returns of noise-free episodes."""
    find_own_packages()
    logging.basicConfig(format="%(message)s")
    logging.getLogger("ddpg").setLevel(logging.INFO)
    with one_line_errors("ddpg-eval"):
        arguments = eval_arguments(sys.argv[1:])
        folder = RunFolder(Path(arguments.folder))
        require_run(folder.path, arguments.folder)
        with ending_at_once():
            from ddpg.run.policies import play  # torch is loaded when there is something to evaluate

        episodes = play(folder, arguments.actor, arguments.episodes, arguments.seed, arguments.video)
        returns = episodes.returns
        print(f"{len(returns)} noise-free episodes of the {arguments.actor} actor in {folder.path}")
        print(f"return {returns.mean():.2f} +- {returns.std():.2f} (min {returns.min():.2f}, max {returns.max():.2f})")
        print(f"length {episodes.lengths.mean():.1f} env steps")
        for name, mean in episodes.info_means().items():
            print(f"{name} {mean:.4g}")
        if arguments.video:
            print(f"video: {folder.videos / f'{arguments.actor}.mp4'}")


def eval_arguments(words: Sequence[str]) -> EvalArguments:
    """Read the words after `ddpg-eval`; print the help text and exit if they ask for it.

    Raises UserError for a word that does not fit.
    """
    usage = "ddpg-eval RUN [KEY=VALUE ...]: noise-free episodes of what the run in the folder RUN has learned"
    options = fields(EvalArguments)[1:]
    print_help(words, usage, options)
    if not words or is_value(words[0]):
        raise UserError(f"the run folder comes first: ddpg-eval RUN {' '.join(f'[{f.name}=...]' for f in options)}")
    values = key_values(words[1:], "episodes=20")
    return EvalArguments(**fit({"folder": words[0], **values}, EvalArguments))
