"""The folder of a study: a sweep folder with study.json, a folder for each trial, and a journal for Optuna's tools."""

import json
import shlex
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ddpg.errors import UserError, one_line
from ddpg.record.run_folder import atomic_write
from ddpg.search.options import (
    KINDS,
    Kind,
    PopulationOptions,
    ReplayOptions,
    SearchOptions,
    StudyOptions,
    name_of,
)
from ddpg.search.space import Space
from ddpg.search.states import LOCK_PATIENCE_S
from ddpg.search.trials import Trial, read_trial, trial_number, write_trial
from ddpg.sweep.state.folder import SweepFolder
from ddpg.sweep.state.status import submitters
from ddpg.sweep.state.tasks import Task, find_tasks
from ddpg.version import __version__


@dataclass(frozen=True)
class Definition:
    """The content of study.json: what a study is.

    Args:
        name: of the study.
        version: of this package.
        options: of the sweeper, those that all studies have.
        kind: the others, which say what kind of study it is.
        space: where it searches.
        seeds: of the runs of each trial; where a trial is a member of a population, those with which members begin.
        total_steps: of a run, as the config has it before a trial changes it.
        threads: cores of a run.
    """

    name: str
    version: str
    options: StudyOptions
    kind: Kind
    space: Space
    seeds: tuple[int, ...]
    total_steps: int
    threads: int

    @property
    def members(self) -> int | None:
        """The number of trainings side by side, each trial a part of one; None where trials are trainings."""
        return None if isinstance(self.kind, SearchOptions) else len(self.seeds)

    @property
    def at_once(self) -> int:
        """The number of trials that can be trained at the same time."""
        return self.members or self.options.n_trials

    @property
    def search(self) -> SearchOptions:
        """The further options of a study of hydra/sweeper=search; other kinds are not asked."""
        assert isinstance(self.kind, SearchOptions)
        return self.kind

    @property
    def population(self) -> PopulationOptions:
        """The further options of a study of hydra/sweeper=pbt; other kinds are not asked."""
        assert isinstance(self.kind, PopulationOptions)
        return self.kind

    @property
    def replay(self) -> ReplayOptions:
        """The further options of the second look at a population; other kinds are not asked."""
        assert isinstance(self.kind, ReplayOptions)
        return self.kind


def _definition(content: Mapping[str, Any]) -> Definition:
    """Return the study that `define` wrote; raise KeyError, ValueError or TypeError where keys lack or are unknown."""
    kind = dict(content["kind"])
    name = kind.pop("name")
    if name not in KINDS:
        raise ValueError(f"there is no kind {name}")
    return Definition(
        **{
            **content,
            "options": StudyOptions(**content["options"]),
            "kind": KINDS[name](**kind),
            "space": Space.from_json(content["space"]),
            "seeds": tuple(content["seeds"]),
        }
    )


class StudyFolder:
    """Reads and writes the files of a study."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.sweep = SweepFolder(path)
        self.journal = path / "journal.log"
        self._file = path / "study.json"
        self._complete: dict[int, Trial] = {}

    @property
    def exists(self) -> bool:
        """Whether the folder holds a study."""
        return self._file.exists()

    @property
    def quoted(self) -> str:
        """The path as a shell takes it, for commands that are advised."""
        return shlex.quote(str(self.path))

    def definition(self) -> Definition:
        """Read study.json.

        Raises:
            UserError: there is none, it is damaged, or another version or state of this package wrote it.
        """
        try:
            content = json.loads(self._file.read_bytes())
            version = content["version"]
        except FileNotFoundError as error:
            raise UserError(f"{self.path} is no study: it has no study.json") from error
        except (ValueError, KeyError, TypeError) as error:
            raise UserError(f"{self._file} is damaged: {error}") from error
        if version != __version__:
            raise UserError(
                f"{self.path} is a study of version {version} of this package, and this is {__version__}: all "
                "workers of a study have one version"
            )
        try:
            return _definition(content)
        except KeyError as error:
            raise UserError(f"{self._file} is not as this package writes it: it lacks {error}") from error
        except (ValueError, TypeError, AttributeError) as error:
            raise UserError(f"{self._file} is not as this package writes it: {one_line(error)}") from error

    def define(self, definition: Definition) -> None:
        """Write study.json."""
        kind = {"name": name_of(definition.kind), **asdict(definition.kind)}
        content = {**asdict(definition), "kind": kind, "space": definition.space.to_json()}
        with atomic_write(self._file) as file:
            file.write((json.dumps(content, indent=1) + "\n").encode())

    def trials(self) -> dict[int, Trial]:
        """Return the trials by their numbers, in this order; copies that somebody made of their folders are left out.

        Those that are complete are read once, because nothing changes them. Another process may let one go on that was
        pruned, or try one again that failed.
        """
        found = {}
        for path in sorted(self.path.glob("trial_*/trial.json")):
            number = trial_number(path.parent.name)
            if number is None:
                continue
            trial = self._complete.get(number) or read_trial(path)
            if trial.verdict == "complete":
                self._complete[number] = trial
            found[number] = trial
        return found

    def write(self, trial: Trial) -> None:
        """Write a trial's file."""
        self._complete.pop(trial.number, None)
        write_trial(self.path, trial)

    def run_folder(self, trial: Trial, seed: int) -> Path:
        """Return the run folder of one of a trial's seeds."""
        return self.path / trial.name / f"seed_{seed}"

    def workers(self, lost: str | None) -> list[Task]:
        """Return the tasks that were started for the study and are alive, wait in a queue, or cannot be asked.

        `lost` is a host that is gone for good.
        """
        tasks = find_tasks(submitters(self.sweep), lost)
        return [task for task in tasks.values() if task.fate != "gone"]

    def lock(
        self, patience_s: float = LOCK_PATIENCE_S, on_wait: Callable[[], None] = lambda: None
    ) -> AbstractContextManager[None]:
        """Hold the lock of the sweep, and wait for it before: other workers hold it for moments, or while they fork.

        While it waits it calls `on_wait`, which may raise. Raises UserError if it was not free within `patience_s`
        seconds, or if the folder cannot be written to or locked.
        """
        return self.sweep.lock(patience_s, is_shared=True, on_wait=on_wait)
