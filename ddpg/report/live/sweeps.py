"""The sweeps that the served folders hold: which task has each of their runs, and what waits."""

import logging
import time
from collections.abc import Sequence, Set
from dataclasses import dataclass
from pathlib import Path

from ddpg.errors import UserError
from ddpg.report.live.stamps import Stamp, stamp
from ddpg.sweep.state.folder import SweepFolder, SweepRun, SweepTasks
from ddpg.sweep.state.status import SKEW_S, State, state_of
from ddpg.sweep.state.tasks import Task, find_tasks, is_pool

log = logging.getLogger(__name__)

#: Seconds between two questions to Slurm at least, and the share of the time that they may take.
ASKED_EVERY_S = 10.0
ASKING_SHARE = 0.05
FILES = ("sweep.json", "submissions.jsonl", "cancelled.txt")


@dataclass(frozen=True)
class Duty:
    """The newest task of a run of a sweep.

    Args:
        task: as it was when it was last asked for; None if it has none.
        submitted_at: when that task was submitted, in seconds since 1970.
        is_cancelled: whether a user has ended it.
    """

    task: Task | None = None
    submitted_at: float = 0.0
    is_cancelled: bool = False

    def state(self, recorded: str | None, written_at: float, locked: bool) -> State:
        """Return the state of the run.

        Args:
            recorded: the state in its status.json; None without one.
            written_at: when that was written, in seconds since 1970.
            locked: whether a process holds the run folder.
        """
        fate = None if self.task is None else self.task.fate
        return state_of(recorded, written_at >= self.submitted_at, fate, locked, self.is_cancelled)


@dataclass(frozen=True)
class _Manifest:
    """The files of a sweep, as they were when they had these stamps."""

    stamps: tuple[Stamp | None, ...]
    runs: list[SweepRun]
    tasks: SweepTasks
    cancelled: set[str]


class Sweeps:
    """Follows the files of sweeps, and asks for their tasks now and then."""

    def __init__(self) -> None:
        self._manifests: dict[Path, _Manifest] = {}
        self._damaged: dict[Path, tuple[Stamp | None, ...]] = {}
        self._tasks: dict[str, Task] = {}
        self._asked = float("-inf")
        self._asking_s = 0.0

    def refresh(self, folders: Sequence[Path], done: Set[Path]) -> None:
        """Read what has changed in the files of sweeps; a damaged one counts as no sweep.

        Args:
            folders: of the sweeps.
            done: the run folders whose tasks need not be asked for.
        """
        self._manifests = {path: found for path in folders if (found := self._read(path)) is not None}
        if time.monotonic() - self._asked >= max(ASKED_EVERY_S, self._asking_s / ASKING_SHARE):
            self._ask(done)

    def duties(self) -> dict[Path, Duty]:
        """Return what is known about the task of each run, by its folder."""
        return {run.path: self._duty(manifest, run) for manifest in self._manifests.values() for run in manifest.runs}

    def runs(self) -> dict[Path, list[Path]]:
        """Return the run folders of each sweep, in order; those of runs that have not started as well."""
        return {path: [run.path for run in manifest.runs] for path, manifest in self._manifests.items()}

    def _duty(self, manifest: _Manifest, run: SweepRun) -> Duty:
        name = manifest.tasks.newest.get(run.number)
        if name is None:
            return Duty()
        skew_s = 0 if is_pool(name) else SKEW_S
        submitted_at = manifest.tasks.submitted_at[name] - skew_s
        return Duty(self._tasks.get(name, Task("unknown")), submitted_at, name in manifest.cancelled)

    def _read(self, path: Path) -> _Manifest | None:
        stamps = tuple(stamp(path / name) for name in FILES)
        before = self._manifests.get(path)
        if before is not None and before.stamps == stamps:
            return before
        if self._damaged.get(path) == stamps:
            return None
        sweep = SweepFolder(path)
        try:
            manifest = _Manifest(stamps=stamps, runs=sweep.runs, tasks=sweep.tasks(), cancelled=sweep.cancelled_tasks())
        except (UserError, OSError, ValueError, LookupError, TypeError) as error:
            log.warning("%s: its list of runs cannot be read: %s", path, error)
            self._damaged[path] = stamps
            return None
        self._asked = float("-inf")  # there may be new tasks
        return manifest

    def _ask(self, done: Set[Path]) -> None:
        began = time.monotonic()
        names = [
            (manifest.tasks, manifest.tasks.newest[run.number])
            for manifest in self._manifests.values()
            for run in manifest.runs
            if run.number in manifest.tasks.newest and run.path not in done
        ]
        self._tasks = find_tasks({name: tasks.origins[name] for tasks, name in names})
        self._asked = time.monotonic()
        self._asking_s = self._asked - began
