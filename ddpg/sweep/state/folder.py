"""The sweep folder: which runs a sweep has, and who was given them to train."""

import json
import os
import shlex
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from ddpg.errors import UserError
from ddpg.record.claims import claim, locked
from ddpg.record.run_folder import atomic_write

#: Seconds until a sweep counts as taken by another command: `sync` has its lock for moments.
PATIENCE_S = 1.0
#: The folder in that of a sweep in which submitit keeps the scripts and logs of the jobs.
LOGS = ".submitit"


@dataclass(frozen=True)
class SweepRun:
    """One run of a sweep; its number is its place in it."""

    number: int
    path: Path
    overrides: tuple[str, ...]

    def absolute(self) -> "SweepRun":
        """Return the run with an absolute path, for a process that starts in another folder."""
        return replace(self, path=self.path.absolute())


@dataclass(frozen=True)
class Submission:
    """One call of `sbatch`, or one pool of processes on a machine.

    Args:
        time: when it began, in ISO format.
        user: the uid of who started it.
        scheduler: Slurm, or a pool on some machine.
        tasks: the numbers of the runs of each task. A task of Slurm is called "1234_7", or "1234" without an array;
            a pool is called "HOST:PID:STARTED", as `ddpg.sweep.process.this_process` returns it.
        cluster: Slurm's name of the cluster, because two clusters can share a disk; None for a pool, and in older
            files, where it is the cluster of whoever reads them.
    """

    time: str
    user: int
    scheduler: Literal["slurm", "local"]
    tasks: dict[str, list[int]]
    cluster: str | None = None


@dataclass(frozen=True)
class Origin:
    """Who must be asked for a task: the uid of who submitted it, and the cluster, as in `Submission`."""

    user: int
    cluster: str | None = None


@dataclass(frozen=True)
class SweepTasks:
    """The tasks of a sweep, from one look at submissions.jsonl, which grows meanwhile.

    Args:
        newest: the newest task of each run, by the run's number; runs that never were submitted are left out.
        origins: who submitted each task and where, because a sweep can be a colleague's, and several can retry one.
        submitted_at: when each task was submitted, in seconds since 1970.
    """

    newest: dict[int, str]
    origins: dict[str, Origin]
    submitted_at: dict[str, float]


class SweepFolder:
    """The folder of a sweep.

    sweep.json is the manifest: the runs and the launcher's options. submissions.jsonl has a line for each submission,
    cancelled.txt one for each task that a user has ended. `submitting` is there while sbatch has no answer yet.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._manifest = path / "sweep.json"
        self._submissions = path / "submissions.jsonl"
        self._cancelled = path / "cancelled.txt"
        self._submitting = path / "submitting"

    @property
    def quoted(self) -> str:
        """The path as a shell takes it, for commands that are advised."""
        return shlex.quote(str(self.path))

    @property
    def exists(self) -> bool:
        """Whether a launcher of this package made the folder."""
        return self._manifest.exists()

    def manifest(self) -> dict[str, Any]:
        """Return the content of sweep.json; raise UserError if there is none, or if it is damaged."""
        try:
            return json.loads(self._manifest.read_text(encoding="utf-8"))
        except OSError as error:
            raise UserError(f"{self.path} is no folder of a sweep: it has no sweep.json") from error
        except ValueError as error:
            raise UserError(f"{self._manifest} is damaged: {error}") from error

    def write(self, manifest: dict[str, Any]) -> None:
        """Replace sweep.json."""
        with atomic_write(self._manifest) as file:
            file.write((json.dumps(manifest, indent=1) + "\n").encode())

    @property
    def launcher(self) -> dict[str, Any]:
        """The options that the sweep was launched with; `kind` names the launcher."""
        return self.manifest()["launcher"]

    @property
    def directory(self) -> Path:
        """The folder where the sweep was launched: the YAML can name packages there."""
        return Path(self.manifest()["directory"])

    @property
    def threads(self) -> int:
        """The number of cores that a run takes."""
        return self.manifest()["threads"]

    @property
    def runs(self) -> list[SweepRun]:
        """All runs, in the order of their numbers."""
        entries = self.manifest()["runs"]
        return [
            SweepRun(number, self.path / entry["folder"], tuple(entry["overrides"]))
            for number, entry in enumerate(entries)
        ]

    def submissions(self) -> list[Submission]:
        """Return all submissions, the oldest first."""
        if not self._submissions.exists():
            return []
        return [Submission(**json.loads(line)) for line in self._submissions.read_text(encoding="utf-8").splitlines()]

    def add_submission(self, submission: Submission) -> None:
        """Add a line to submissions.jsonl."""
        before = self._submissions.read_bytes() if self._submissions.exists() else b""
        with atomic_write(self._submissions) as file:
            file.write(before + json.dumps(asdict(submission)).encode() + b"\n")

    def begin_submission(self) -> None:
        """Mark that jobs may be in Slurm's queue which are on no record; `end_submission` takes the mark away."""
        mark = {"time": timestamp(), "user": os.getuid(), "submissions_before": len(self.submissions())}
        with atomic_write(self._submitting) as file:
            file.write(json.dumps(mark).encode() + b"\n")

    def end_submission(self) -> None:
        """Take the mark of `begin_submission` away: the jobs are on record, or Slurm has taken none."""
        self._submitting.unlink(missing_ok=True)

    def look_for_jobs(self, user: int) -> str:
        """Return what to do about jobs of a user that may be on no record."""
        jobs = f"squeue --user={user} --name={shlex.quote(self.path.name)}"
        return f"look for others, cancel them, and remove {shlex.quote(str(self._submitting))}: {jobs}"

    @property
    def unrecorded(self) -> str:
        """What is to be said of a submission that ended before its jobs were on record; "" where each has a record."""
        try:
            mark = json.loads(self._submitting.read_text(encoding="utf-8"))
        except OSError:
            return ""
        if len(self.submissions()) != mark["submissions_before"]:  # it ended between the record and the mark's removal
            return ""
        return (
            f"the submission of {mark['time']} has ended before its jobs were on record, so Slurm may have jobs that "
            f"no file of the sweep names: {self.look_for_jobs(mark['user'])}"
        )

    def require_recorded(self) -> None:
        """Raise UserError if a submission has ended before its jobs were on record."""
        unrecorded = self.unrecorded
        if unrecorded:
            raise UserError(f"{self.path}: {unrecorded}")

    def last_error_line(self, task: str) -> str:
        """Return the last line that the shell of a job on Slurm or srun has left in the job's .err, or ""."""
        try:
            lines = (self.path / LOGS / f"{task}_0_log.err").read_text(encoding="utf-8", errors="replace").splitlines()
        except OSError:
            return ""
        return next((line.strip() for line in reversed(lines) if line.strip()), "")

    def tasks(self) -> SweepTasks:
        """Return all tasks that the sweep has had."""
        submissions = self.submissions()
        by_task = {task: submission for submission in submissions for task in submission.tasks}
        return SweepTasks(
            newest={n: task for one in submissions for task, numbers in one.tasks.items() for n in numbers},
            origins={task: Origin(one.user, one.cluster) for task, one in by_task.items()},
            submitted_at={task: datetime.fromisoformat(one.time).timestamp() for task, one in by_task.items()},
        )

    def add_cancelled(self, tasks: Iterable[str]) -> None:
        """Write down that a user has ended these tasks; several processes may do so at the same time."""
        with self._cancelled.open("a", encoding="utf-8") as file:
            file.write("".join(f"{task}\n" for task in tasks))

    def cancelled_tasks(self) -> set[str]:
        """Return the tasks that users have ended."""
        return set(self._cancelled.read_text(encoding="utf-8").split()) if self._cancelled.exists() else set()

    def lock(
        self, patience_s: float = PATIENCE_S, is_shared: bool = False, on_wait: Callable[[], None] = lambda: None
    ) -> AbstractContextManager[None]:
        """Keep other commands from acting on the states of the runs.

        While it waits it calls `on_wait`, which may raise. Raises UserError if one of them still does after
        `patience_s` seconds; and where the file system has no locks, if processes share the folder.
        """
        return locked(self.path, *self._lock_messages(), patience_s, is_shared, on_wait)

    def claim(self) -> None:
        """Keep other commands out until the next `lock` of this process ends; raise UserError if one is at work."""
        claim(self.path, *self._lock_messages())

    def _lock_messages(self) -> tuple[str, str]:
        return str(self.path), f"another command is at work on {self.path}: see what it did, then try again"


def timestamp() -> str:
    """Return the time of a submission that begins now."""
    return datetime.now().astimezone().isoformat(timespec="seconds")


def swept_keys(runs: Sequence[SweepRun]) -> list[str]:
    """Return the keys whose values differ between the runs, in the order of the command line."""
    values: dict[str, set[str]] = {}
    for run in runs:
        for override in run.overrides:
            key, _, value = override.partition("=")
            values.setdefault(key, set()).add(value)
    return [key for key, several in values.items() if len(several) > 1]
