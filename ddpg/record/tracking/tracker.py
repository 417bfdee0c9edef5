"""The tracker writes the record of a run and feeds the sinks from it; a sink can fail, training cannot."""

import errno
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from time import monotonic
from typing import Any, Literal, NamedTuple, Protocol

from ddpg.errors import UserError, first_line
from ddpg.record.tracking.metrics import Row, encode_row, make_row, read_metrics

log = logging.getLogger(__name__)

Kind = Literal["video", "image"]
STEP_PERIOD = 0.1  # seconds: sinks learn of steps at most ten times a second, otherwise a step reads the clock


class KeptPolicy(NamedTuple):
    """A folder with an exported policy, the aliases by which it is found, and the env step that it is from."""

    folder: Path
    aliases: tuple[str, ...]
    env_step: int


#: Writes the policies of a run into folders below the one that it gets, the newest at the end.
WritePolicies = Callable[[Path], Sequence[KeptPolicy]]


class Sink(Protocol):
    """A place where rows of the record are shown, or to which they are sent. Any exception switches the sink off."""

    name: str

    def start(self, rows: Sequence[Row]) -> None:
        """Begin. `rows` are those of earlier attempts; a sink sends the ones that its other side lacks."""

    def log(self, index: int, row: Row) -> None:
        """Take row `index` (from 0) of the record. After a resume an index may come again, with the same row."""

    def step(self, env_step: int) -> None:
        """Note that training has come to `env_step`; called at most ten times a second."""

    def save(self, path: Path, kind: Kind) -> None:
        """Keep a file with the run, if the sink can."""

    def save_policies(self, write: WritePolicies) -> None:
        """Keep what the run has learned, if the sink can and shall; only then it is written."""

    def finish(self, exit_code: int, summary: Mapping[str, Any]) -> None:
        """End, with the exit code of the run and its results."""

    def abandon(self) -> None:
        """Release everything, after a failure."""


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
        """Cut the record back to an earlier `position` (None: to nothing), and start the sinks.

        Raises:
            UserError: the record is shorter than the position, so the two do not belong together.
        """
        self._bytes = position["bytes"] if position else 0
        self._rows = position["rows"] if position else 0
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
        self._call_sinks(lambda sink: sink.start(rows))

    def log(self, env_step: int, metrics: Mapping[str, float]) -> None:
        """Append one row, then pass it to every sink.

        Raises:
            UserError: the record cannot be written (disk full).
        """
        row = make_row(env_step, metrics)
        self._append(encode_row(row))
        index = self._rows
        self._rows += 1
        self._call_sinks(lambda sink: sink.log(index, row))

    def step(self, env_step: int) -> None:
        """Note that training has come to `env_step`. Costs about 0.1 µs, so it can be called at every step."""
        now = monotonic()
        if now >= self._next_step:
            self._next_step = now + STEP_PERIOD
            self._call_sinks(lambda sink: sink.step(env_step))

    def position(self) -> dict[str, int]:
        """Return where the record ends now, which a checkpoint stores for `rewind`."""
        return {"bytes": self._bytes, "rows": self._rows}

    def sync(self) -> None:
        """Wait until everything up to `position` is safe on disk, before a checkpoint names that position.

        Raises:
            UserError: the record cannot be written (disk full).
        """
        try:
            os.fsync(self._file.fileno())
        except OSError as error:
            raise self._cannot_write(error) from error

    def save(self, path: Path, kind: Kind) -> None:
        """Hand a file of the run folder to the sinks that can keep it."""
        self._call_sinks(lambda sink: sink.save(path, kind))

    def save_policies(self, write: WritePolicies) -> None:
        """Hand what was learned to the sinks that keep policies."""
        self._call_sinks(lambda sink: sink.save_policies(write))

    def finish(self, exit_code: int, summary: Mapping[str, Any]) -> None:
        """End the sinks and close the record. Sinks are not ended if `rewind` never started them."""
        try:
            if self._started:
                self._call_sinks(lambda sink: sink.finish(exit_code, summary))
        except BaseException:  # Ctrl-C: the process must not wait for a sink that was interrupted or not reached
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
                self._bytes += written
                line = line[written:]
        except OSError as error:
            self._bytes = start
            raise self._cannot_write(error) from error

    def _cannot_write(self, error: OSError) -> UserError:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        reason = "the disk or the quota is full; free some space and resume" if full else error.strerror
        return UserError(f"cannot write {self._path}: {reason}")

    def _call_sinks(self, call: Callable[[Sink], None]) -> None:
        for sink in tuple(self._sinks):
            try:
                call(sink)
            except Exception as error:  # whatever a sink runs into, training and its record go on
                self._sinks.remove(sink)
                sink.abandon()
                log.warning("%s is off from here on (%s); %s goes on", sink.name, first_line(error), self._path.name)
