"""The tracker writes the record of a run and feeds the sinks from it; a sink can fail, training cannot."""

import errno
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, Literal, Protocol

from ddpg.errors import UserError, first_line
from ddpg.record.tracking.metrics import Row, encode_row, make_row, read_metrics

log = logging.getLogger(__name__)

Kind = Literal["model", "video", "image"]
STEP_PERIOD = 0.1  # seconds: sinks hear of steps at most ten times a second, a step costs one clock reading


class Sink(Protocol):
    """Somewhere that rows of the record are shown or sent. Any exception switches the sink off."""

    name: str

    def start(self, rows: Sequence[Row]) -> None:
        """Begin; `rows` is what the record holds from before. Send those that the other side misses."""

    def log(self, index: int, row: Row) -> None:
        """Row `index` (from 0) of the record. After a resume an index may come again, with the same row."""

    def step(self, env_step: int) -> None:
        """Training has come to `env_step`; called ten times a second, not for every step."""

    def save(self, path: Path, kind: Kind) -> None:
        """Keep a file with the run, if the sink can."""

    def finish(self, exit_code: int, summary: Mapping[str, Any]) -> None:
        """The run ends here."""

    def abandon(self) -> None:
        """Let go of everything, after a failure."""


class Tracker:
    """Appends rows to metrics.jsonl and passes them on. Call `rewind` once before the first `log`."""

    def __init__(self, path: Path, sinks: Sequence[Sink]) -> None:
        self._path = path
        self._sinks = list(sinks)
        self._bytes = 0
        self._rows = 0
        self._started = False
        self._next_step = 0.0
        try:
            self._file = path.open("ab", buffering=0)
        except OSError as error:
            raise self._cannot_write(error) from error

    def rewind(self, position: Mapping[str, int] | None) -> None:
        """Cut the record back to what `position` returned, None for empty, and start the sinks.

        Raises:
            UserError: the record is shorter than the position, so it is not the one that belongs to it.
        """
        self._bytes, self._rows = (position["bytes"], position["rows"]) if position else (0, 0)
        size = os.fstat(self._file.fileno()).st_size
        if size > self._bytes:
            self._file.truncate(self._bytes)
        rows = read_metrics(self._path) if self._rows else []
        if size < self._bytes or len(rows) != self._rows:
            raise UserError(
                f"{self._path} does not go with the checkpoint, which was saved after {self._rows} rows in "
                f"{self._bytes} bytes: restore the file, or start again in a new run folder"
            )
        self._started = True
        self._tell(lambda sink: sink.start(rows))

    def log(self, env_step: int, metrics: Mapping[str, float]) -> None:
        """Append one row, then pass it to every sink.

        Raises:
            UserError: the record cannot be written (disk full).
        """
        row = make_row(env_step, metrics)
        self._append(encode_row(row))
        index = self._rows
        self._rows += 1
        self._tell(lambda sink: sink.log(index, row))

    def step(self, env_step: int) -> None:
        """Cheap enough (about 0.1 µs) to be called at every environment step."""
        now = monotonic()
        if now >= self._next_step:
            self._next_step = now + STEP_PERIOD
            self._tell(lambda sink: sink.step(env_step))

    def position(self) -> dict[str, int]:
        """Where the record ends now: what a checkpoint stores for `rewind`; `sync` puts it on disk."""
        return {"bytes": self._bytes, "rows": self._rows}

    def sync(self) -> None:
        """Wait until everything up to `position` is safe on disk; before the checkpoint that names it."""
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._cannot_write(error) from error

    def save(self, path: Path, kind: Kind) -> None:
        """Hand a file of the run folder to the sinks that can keep it."""
        self._tell(lambda sink: sink.save(path, kind))

    def finish(self, exit_code: int, summary: Mapping[str, Any]) -> None:
        """End every sink that was started, and close the record. A run that cannot be built ends before that."""
        try:
            if self._started:
                self._tell(lambda sink: sink.finish(exit_code, summary))
        except BaseException:  # Ctrl-C: nothing may wait for a sink that was cut short or not reached
            for sink in self._sinks:
                sink.abandon()
            raise
        finally:
            self._file.close()

    def _append(self, line: bytes) -> None:
        start = self._bytes
        try:
            while line:  # a disk that fills up takes a part of the line first and fails at the next attempt
                written = self._file.write(line)
                self._bytes, line = self._bytes + written, line[written:]
        except OSError as error:
            self._bytes = start
            raise self._cannot_write(error) from error

    def _cannot_write(self, error: OSError) -> UserError:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = "the disk or the quota is full; free some space and resume" if full else error.strerror
        return UserError(f"cannot write {self._path}: {reason}")

    def _tell(self, call: Callable[[Sink], None]) -> None:
        for sink in tuple(self._sinks):
            try:
                call(sink)
            except Exception as error:  # whatever a sink runs into, training and its record go on
                self._sinks.remove(sink)
                sink.abandon()
                log.warning("%s is off from here on (%s); %s goes on", sink.name, first_line(error), self._path.name)
