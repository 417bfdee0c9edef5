"""Standard input, output and error that never end a program, whatever their other end is."""

import errno
import io
import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any


def outlast_readers() -> None:
    """Let nothing that is printed raise: a closed, full or broken stream loses what it does not take.

    Call it before anything opens a file. Only the streams that Python itself opened are replaced.
    """
    _open_closed_ones()
    sys.stdout = _lasting(sys.stdout, sys.__stdout__, 1)
    sys.stderr = _lasting(sys.stderr, sys.__stderr__, 2)


def lost_output() -> str | None:
    """Return why some of the standard output was lost, as on a full disk.

    None if all was written, or if its reader went away, who wanted no more of it.
    """
    sys.stdout.flush()
    buffer = getattr(sys.stdout, "buffer", None)
    raw = getattr(buffer, "raw", buffer)  # they are the same where Python does not buffer
    return raw.loss if isinstance(raw, _Lasting) else None


@contextmanager
def stdout_as_stderr() -> Iterator[None]:
    """Let what is printed within the block, by libraries in C too, go to the standard error."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)


def _open_closed_ones() -> None:
    """Give each of the three descriptors that is closed to os.devnull.

    The next file that is opened would get its number, and what libraries and other processes print would go into it.
    """
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest number that is free, which is this one
            os.set_inheritable(descriptor, True)


def _lasting(stream: IO[str] | None, original: IO[str] | None, descriptor: int) -> Any:
    """Return a stream that writes as `stream` does and never raises OSError."""
    if stream is None:  # it was closed when Python started
        return open(descriptor, "w", encoding="utf-8", closefd=False)
    if stream is not original or not isinstance(stream, io.TextIOWrapper):
        return stream
    raw = _Lasting(descriptor, "w", closefd=False)
    return io.TextIOWrapper(
        raw if stream.write_through else io.BufferedWriter(raw),  # as Python itself does
        encoding=stream.encoding,
        errors=stream.errors,
        newline="\n",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


class _Lasting(io.FileIO):
    """A file whose `write` takes everything, and loses what the system does not take."""

    #: Why something was lost, if its reader is still there.
    loss: str | None = None

    def write(self, data: Any) -> int:
        try:
            return self._written(data)
        except OSError as error:
            if error.errno == errno.EPIPE:  # it stays broken, also for libraries and other processes
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self.fileno())
                os.close(nowhere)
            else:
                self.loss = error.strerror
            return len(data)

    def _written(self, data: Any) -> int:
        """Write some bytes and return their number; wait where the other end does not block and takes none yet."""
        while True:
            number: int | None = super().write(data)
            if number is not None:
                return number
            select.select([], [self], [])
