"""One run that is followed: what its folder says, read again only where it has changed."""

import logging
from collections import deque
from dataclasses import replace
from pathlib import Path

import numpy as np
from yaml import YAMLError

from ddpg.errors import UserError
from ddpg.record.run_folder import RunFolder
from ddpg.record.tracking.metrics import Row, decode_rows
from ddpg.report.columns import Columns, columns
from ddpg.report.live.files import video_name
from ddpg.report.live.problems import problem
from ddpg.report.live.stamps import Stamp, stamp
from ddpg.report.live.tail import Tail
from ddpg.report.measured import Curve
from ddpg.report.reading import RunRecord, has_started, read_record

log = logging.getLogger(__name__)

RETURN = "eval/episodic_return"
TRAINING_RETURN = "charts/episodic_return"
ELAPSED = "time/elapsed_s"
#: Rows with a clock over which the speed is measured.
CLOCKED = 20
#: The files that say how a run was composed and started, and what became of it.
FILES = ("status.json", "config.yaml", "provenance.json")


class Watched:
    """A run folder that is looked at again and again.

    Attributes:
        record: as `read_record` returns it; None while the run has not begun to write.
        step: the env step of the newest row.
        has_grown: whether the last look found new rows.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record: RunRecord | None = None
        self.step = 0
        self.has_grown = False
        self.video: str | None = None
        self._tail = Tail(RunFolder(path).metrics)
        self._curves: Columns = {}
        self._fresh: list[Row] = []
        self._is_forgotten = False
        self._stamps: tuple[Stamp | None, ...] = ()
        self._last: dict[str, float] = {}
        self._clock: deque[tuple[float, float]] = deque(maxlen=CLOCKED)
        self._file_problem = ""
        self._row_problem = ""

    @property
    def problem(self) -> str:
        """Why the folder cannot be read; "" if it can."""
        return self._file_problem or self._row_problem

    @property
    def state(self) -> str | None:
        """The state on record; `interrupted` for a run that was done and has got more steps to do."""
        if self.record is None:
            return None
        state = self.record.status.get("state")
        saved = self.record.status.get("env_step") or 0
        return "interrupted" if state == "done" and saved < self.total_steps else state

    @property
    def total_steps(self) -> int:
        """The env steps that the run is to make."""
        return self.record.config["total_steps"] if self.record else 0

    @property
    def share(self) -> float:
        """The share of its steps that the run has made, 0 to 1."""
        return min(self.step / self.total_steps, 1.0) if self.total_steps else 0.0

    @property
    def written_at(self) -> float:
        """When status.json was written, in seconds since 1970; 0 without one."""
        status = self._stamps[0] if self._stamps else None
        return 0.0 if status is None else status.changed_ns / 1e9

    @property
    def rows_at(self) -> int | None:
        """When the record was written to, in seconds since 1970; None if there is none yet."""
        return None if self._tail.seen is None else self._tail.seen.changed_ns // 10**9

    @property
    def speed(self) -> float | None:
        """Env steps a second, evaluations included, over the newest rows of this start; None if not known."""
        if len(self._clock) < 2:
            return None
        seconds = self._clock[-1][0] - self._clock[0][0]
        return (self._clock[-1][1] - self._clock[0][1]) / seconds if seconds > 0 else None

    def newest(self, name: str) -> float | None:
        """Return the newest value of a metric; None if there is none or it is not finite."""
        value = self._last.get(name)
        return value if value is not None and np.isfinite(value) else None

    def look(self) -> bool:
        """Read what is new in the folder; return whether anything is."""
        has_changed = self._look_at_files()
        self.has_grown = self._look_at_rows()
        return has_changed or self.has_grown

    def columns(self) -> Columns:
        """Return every curve as far as the record was read."""
        if self._is_forgotten:
            self._tail = Tail(self._tail.path)
            self._forget_rows()
            self._look_at_rows()
        if self._fresh:
            self._curves = joined(self._curves, columns(self._fresh))
            self._fresh = []
        return self._curves

    def forget(self) -> None:
        """Free the memory of the curves; `columns` reads the whole record again."""
        self._curves = {}
        self._fresh = []
        self._is_forgotten = True

    def _look_at_files(self) -> bool:
        """Read the small files; a start or an end of the run changes status.json, whatever else it changes."""
        if self._stamps and stamp(self.path / FILES[0]) == self._stamps[0]:
            return False
        stamps = tuple(stamp(self.path / name) for name in FILES)
        only_status = self.record is not None and stamps[1:] == self._stamps[1:]
        self._stamps = stamps
        try:
            self._read_record(only_status)
            self._file_problem = ""
        except (UserError, OSError, YAMLError, LookupError, TypeError, ValueError) as error:
            self.record = None
            self._file_problem = problem(error)
        self.video = video_name(self.path)
        return True

    def _read_record(self, only_status: bool) -> None:
        """Read the small files; a checkpoint changes the status alone, and a config takes ten times as long."""
        if not has_started(self.path):
            self.record = None
        elif only_status and self.record is not None:
            self.record = replace(self.record, status=self.record.folder.status())
        else:
            self.record = read_record(self.path)

    def _look_at_rows(self) -> bool:
        try:
            piece = self._tail.look()
            if piece.restarted:
                self._forget_rows()
            rows = decode_rows(piece.lines, self._tail.path)
            for row in rows:
                self._take(row)
        except (UserError, OSError, LookupError, TypeError, ValueError) as error:
            is_new = not self._row_problem
            self._row_problem = problem(error)
            return is_new
        return piece.restarted or bool(rows)

    def _forget_rows(self) -> None:
        """Begin the record anew, because it was cut back."""
        self.step = 0
        self._curves = {}
        self._fresh = []
        self._is_forgotten = False
        self._last = {}
        self._row_problem = ""
        self._clock.clear()

    def _take(self, row: Row) -> None:
        self._fresh.append(row)
        self._last.update(row)
        self.step = int(row["env_step"])
        if ELAPSED in row:
            if self._clock and row[ELAPSED] < self._clock[-1][0]:  # another process went on with the run
                self._clock.clear()
            self._clock.append((row[ELAPSED], row["env_step"]))


def joined(before: Columns, after: Columns) -> Columns:
    """Put curves behind earlier ones of the same metrics."""
    return before | {name: _behind(before[name], curve) if name in before else curve for name, curve in after.items()}


def _behind(first: Curve, second: Curve) -> Curve:
    return Curve(np.concatenate([first.steps, second.steps]), np.concatenate([first.values, second.values]))
