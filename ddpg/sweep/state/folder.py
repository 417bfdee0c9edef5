"""The sweep folder: which runs a sweep has, and to whom they were handed."""

import json
import shlex
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from ddpg.errors import UserError
from ddpg.record.run_folder import atomic_write, locked


@dataclass(frozen=True)
class Run:
    """One run of a sweep; its number is its place in it."""

    number: int
    path: Path
    overrides: tuple[str, ...]

    def absolute(self) -> "Run":
        """The same for a process that starts elsewhere."""
        return replace(self, path=self.path.absolute())


@dataclass(frozen=True)
class Submission:
    """One `sbatch`, or one pool of processes on a machine.

    `time` is that of its beginning, `user` the uid of who did it. `tasks` says which runs each of its tasks has. A
    task of Slurm is called "1234_7", or "1234" without an array; a pool "HOST:PID:STARTED", as
    `ddpg.sweep.process.this_process` says it.
    """

    time: str
    user: int
    scheduler: Literal["slurm", "local"]
    tasks: dict[str, list[int]]


class SweepFolder:
    """SWEEP/sweep.json: the runs and the launcher's options; SWEEP/submissions.jsonl: a line for each submission."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._plan, self._submissions = path / "sweep.json", path / "submissions.jsonl"

    @property
    def quoted(self) -> str:
        """The path as a shell takes it, for commands that are advised."""
        return shlex.quote(str(self.path))

    @property
    def exists(self) -> bool:
        """Whether a launcher of this package made the folder."""
        return self._plan.exists()

    def plan(self) -> dict[str, Any]:
        """The content of sweep.json. UserError if there is none."""
        try:
            return json.loads(self._plan.read_text())
        except OSError as error:
            raise UserError(f"{self.path} is no folder of a sweep: it has no sweep.json") from error
        except ValueError as error:
            raise UserError(f"{self._plan} is damaged: {error}") from error

    @property
    def launcher(self) -> dict[str, Any]:
        """The options that the sweep was launched with; `kind` says by which launcher."""
        return self.plan()["launcher"]

    @property
    def directory(self) -> Path:
        """Where the sweep was launched: packages there can be named in its YAML."""
        return Path(self.plan()["directory"])

    @property
    def threads(self) -> int:
        """Cores that a run takes."""
        return self.plan()["threads"]

    @property
    def runs(self) -> list[Run]:
        """All runs, in the order of their numbers."""
        return [
            Run(number, self.path / run["folder"], tuple(run["overrides"]))
            for number, run in enumerate(self.plan()["runs"])
        ]

    def write(self, plan: dict[str, Any]) -> None:
        """Replaces sweep.json."""
        with atomic_write(self._plan) as file:
            file.write((json.dumps(plan, indent=1) + "\n").encode())

    def submissions(self) -> list[Submission]:
        """What was handed over so far, oldest first."""
        if not self._submissions.exists():
            return []
        return [Submission(**json.loads(line)) for line in self._submissions.read_text().splitlines()]

    def add_submission(self, submission: Submission) -> None:
        """Adds a line."""
        before = self._submissions.read_bytes() if self._submissions.exists() else b""
        with atomic_write(self._submissions) as file:
            file.write(before + json.dumps(asdict(submission)).encode() + b"\n")

    def alone(self) -> AbstractContextManager[None]:
        """Between reading the states and acting on them nobody else may; UserError if another command does."""
        taken = f"another command is at work on {self.path}: see what it did, then try again"
        return locked(self.path, str(self.path), taken)

    def task_of(self) -> dict[int, str]:
        """The newest task that each run was given to, by the run's number; a run that never was is not in it."""
        return {
            number: task
            for submission in self.submissions()
            for task, numbers in submission.tasks.items()
            for number in numbers
        }


def now() -> str:
    """The time of a submission that begins."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def swept(runs: Sequence[Run]) -> list[str]:
    """The keys whose values differ between the runs, in the order of the command line."""
    values: dict[str, set[str]] = {}
    for run in runs:
        for override in run.overrides:
            key, _, value = override.partition("=")
            values.setdefault(key, set()).add(value)
    return [key for key, several in values.items() if len(several) > 1]
