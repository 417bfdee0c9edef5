"""The words after `ddpg-eval`: sources first, then KEY=VALUE."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

from ddpg.commands.command_line import is_value, key_values, print_help
from ddpg.config.signature import fit
from ddpg.errors import UserError
from ddpg.policies.description import Which
from ddpg.ranges import Count, NonNegative, Positive, PositiveInt

USAGE = (
    "ddpg-eval SOURCE... [KEY=VALUE ...]: noise-free episodes of stored policies, each from the same starts\n"
    "SOURCE: the folder of a run or of an exported policy, hub:USER/NAME[@REVISION], or "
    "wandb:ENTITY/PROJECT/NAME[:ALIAS]"
)


@dataclass
class EvalArguments:
    """The values of `ddpg-eval` after its sources."""

    episodes: PositiveInt = field(default=10, metadata={"help": "how many, at least 1"})
    seed: Count = field(default=0, metadata={"help": "whole number; another one begins from other starts"})
    actor: Which = field(
        default="last", metadata={"help": "last, or best: the one with the best evaluation in training"}
    )
    processes: PositiveInt | Literal["auto"] = field(
        default=1, metadata={"help": "so many play at the same time, with the same returns; auto: one for each core"}
    )
    json: str | None = field(
        default=None, metadata={"help": "a file for every return and length; - prints that and nothing else"}
    )
    video: bool | str = field(
        default=False,
        metadata={"help": "true: the first episode as RUN/videos/ACTOR.mp4; FILE.mp4: there, several side by side"},
    )
    trust: bool = field(default=False, metadata={"help": "true runs the code that an exported policy names"})
    watch: bool = field(default=False, metadata={"help": "true shows the episodes in a window"})
    obs_noise: list[NonNegative] | None = field(
        default=None,
        metadata={"help": "0.01,0.1: noise on observations, in spreads of theirs under random actions"},
    )
    action_delay: list[Count] | None = field(
        default=None, metadata={"help": "1,2: actions arrive so many env steps later"}
    )
    simulator: dict[str, list[Positive]] | None = field(
        default=None,
        metadata={"help": "simulator.gravity=0.8,1.2 .mass= .friction= ...: factors of what the simulator has"},
    )

    def disturbances(self) -> Mapping[str, Sequence[float]]:
        """Return the values of each disturbance by its key."""
        of_simulator = {f"simulator.{name}": values for name, values in (self.simulator or {}).items()}
        return {"obs_noise": self.obs_noise or [], "action_delay": self.action_delay or [], **of_simulator}


def eval_arguments(words: Sequence[str]) -> tuple[list[str], EvalArguments]:
    """Read the words after `ddpg-eval`: the sources and the values; print the help text and exit if they ask for it.

    Raises UserError for a word that does not fit.
    """
    options = fields(EvalArguments)
    print_help(words, USAGE, options)
    sources = list(takewhile(lambda word: not is_value(word), words))
    if not sources:
        listed = " ".join(f"[{option.name}=...]" for option in options)
        raise UserError(f"run folders, or other sources, come first: ddpg-eval SOURCE... {listed}")
    values = key_values(words[len(sources) :], "episodes=20", texts=("json",))
    arguments = EvalArguments(**fit(_with_lists(values), EvalArguments))
    _require_combination(sources, arguments)
    return sources, arguments


def _with_lists(values: Mapping[str, Any]) -> dict[str, Any]:
    """Make lists of the values of disturbances, which are written 0.01,0.1."""
    lists: dict[str, Any] = {name: _listed(values[name]) for name in ("obs_noise", "action_delay") if name in values}
    simulator = values.get("simulator")
    if isinstance(simulator, Mapping):
        lists["simulator"] = {name: _listed(value) for name, value in simulator.items()}
    return {**values, **lists}


def _listed(value: Any) -> list[Any] | None:
    if value is None or isinstance(value, list):
        return value
    return [_number(part) for part in value.split(",")] if isinstance(value, str) else [value]


def _number(word: str) -> float | str:
    try:
        return float(word)
    except ValueError:
        return word


def _require_combination(sources: Sequence[str], arguments: EvalArguments) -> None:
    """Raise UserError for values that do not go together, and for files in folders that do not exist."""
    if arguments.watch and arguments.processes != 1:
        raise UserError("watch=true shows one episode after the other: leave out processes")
    if arguments.watch and arguments.video:
        raise UserError("watch=true and video: choose one of them")
    if arguments.video is True and len(sources) > 1:
        raise UserError("video=true of several sources: name the file that has them side by side, video=FILE.mp4")
    if isinstance(arguments.video, str):
        if not arguments.video.endswith(".mp4"):
            raise UserError(f"video={arguments.video} must be true or a file whose name ends in .mp4")
        _require_file("video", arguments.video)
    if arguments.json is not None and arguments.json != "-":
        _require_file("json", arguments.json)


def _require_file(key: str, file: str) -> None:
    folder = Path(file).absolute().parent
    if Path(file).is_dir():
        raise UserError(f"{key}={file} is a folder: name a file")
    if not folder.is_dir():
        raise UserError(f"{key}={file}: there is no folder {folder}")
    if not os.access(folder, os.W_OK):
        raise UserError(f"{key}={file}: the folder {folder} cannot be written")
