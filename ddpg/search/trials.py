"""One trial of a study: trial_0007/trial.json, and in that folder a run folder for each seed.

The file is written before anything of the trial is frozen or trained, and again when its result is known. With the run
folders it is the truth about the study; journal.log follows.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from ddpg.errors import UserError
from ddpg.record.run_folder import atomic_write

Verdict = Literal["complete", "pruned", "failed"]
Origin = Literal["sampler", "control", "first", "kept", "copied", "schedule"]


@dataclass(frozen=True)
class Result:
    """How a trial ended.

    Args:
        state: all runs are done, the pruner stopped it, or a run failed.
        value: the score; of a pruned trial that so far; of a failed one the worst score of the others, or None.
        order: how many trials had ended before.
        time: when, in ISO format.
        why: of a failed trial, in one line.
    """

    state: Verdict
    value: float | None
    order: int
    time: str
    why: str = ""


@dataclass(frozen=True)
class Part:
    """The part of a training that a trial is where a population trains.

    Args:
        slot: which member.
        generation: from 0.
        parent: the trial from whose run it goes on; None for one that begins.
        start: the env step at which it begins; evaluations after it make the score.
        stop: the env step at which it ends.
        eval_seed: the seed of the starts from which it is evaluated if the config has no eval.seed; None: the seed of
            its run.
    """

    slot: int
    generation: int
    parent: int | None
    start: int
    stop: int
    eval_seed: int | None


@dataclass(frozen=True)
class Trial:
    """A trial as its file has it.

    Args:
        number: its place in the study.
        params: the value of each key of the space that is part of it.
        origin: who chose them: the sampler, or chance, as a control; in a population the draw at its start, the member
            that goes on, the one that it copied, or a schedule.
        seeds: of its runs.
        asked: when it was chosen, in ISO format.
        attrs: what sampler and pruner keep about it.
        study_attrs: what the sampler keeps about the study, as of this trial.
        owner: the task that trains it, as in submissions.jsonl; None if none does.
        kills: how often a process of it was killed.
        values: its score so far by the env steps of all its runs: what was reported to the pruner.
        result: None while it is not known.
        part: of a training, where a population trains.
    """

    number: int
    params: Mapping[str, Any]
    origin: Origin
    seeds: Sequence[int]
    asked: str
    attrs: Mapping[str, Any]
    study_attrs: Mapping[str, Any]
    owner: str | None = None
    kills: int = 0
    values: Mapping[int, float] | None = None
    result: Result | None = None
    part: Part | None = None

    @property
    def verdict(self) -> Verdict | None:
        """How it ended; None while that is not known."""
        return None if self.result is None else self.result.state

    @property
    def score(self) -> float | None:
        """The value of its result; None while that is not known, or where it failed without one."""
        return None if self.result is None else self.result.value

    @property
    def start(self) -> int:
        """The env step after which evaluations make the score."""
        return 0 if self.part is None else self.part.start

    @property
    def name(self) -> str:
        """The name of its folder."""
        return trial_name(self.number)

    def run_number(self, place: int) -> int:
        """Return the number in the sweep of the run with its `place`-th seed."""
        return self.number * len(self.seeds) + place

    def changed(self, **changes: Any) -> "Trial":
        """Return the trial with other values of some fields."""
        return replace(self, **changes)


def short(value: object) -> str:
    """Return a value of a trial as tables show it."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def trial_name(number: int) -> str:
    """Return the name of a trial's folder."""
    return f"trial_{number:04d}"


def trial_number(name: str) -> int | None:
    """Return the number of the trial whose folder has a name; None for another folder, such as a copy of one."""
    found = re.fullmatch(r"trial_(\d+)", name)
    number = int(found[1]) if found else None
    return number if number is not None and trial_name(number) == name else None


def make_folder(study: Path, trial: Trial) -> bool:
    """Make the folder of a new trial; return False if another process has made that trial.

    The list of a network disk's folders may be too old to have it. A folder without trial.json was left by a kill.
    """
    folder = study / trial.name
    try:
        folder.mkdir()
    except FileExistsError:
        return not (folder / "trial.json").exists()
    return True


def write_trial(study: Path, trial: Trial) -> None:
    """Write the file of a trial, and make its folder."""
    folder = study / trial.name
    folder.mkdir(exist_ok=True)
    with atomic_write(folder / "trial.json") as file:
        file.write((json.dumps(asdict(trial), indent=1) + "\n").encode())


def read_trial(path: Path) -> Trial:
    """Read a trial.json; raise UserError if it is damaged."""
    try:
        content = json.loads(path.read_bytes())
        result = content.pop("result")
        values = content.pop("values")
        part = content.pop("part")
        return Trial(
            **content,
            values=None if values is None else {int(step): value for step, value in values.items()},
            result=None if result is None else Result(**result),
            part=None if part is None else Part(**part),
        )
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UserError(f"{path} is damaged: {error}; without its folder the study goes on with the others") from error
