"""A file that another process appends to, read from where the last look ended."""

from pathlib import Path
from typing import NamedTuple

from ddpg.report.live.stamps import Stamp, stamp

#: Bytes before the end of the last look that are compared, because a record can be cut back and grow past it again.
OVERLAP = 200


class Piece(NamedTuple):
    """The complete lines that a look found, and whether they begin at the file's start because it was cut back."""

    lines: bytes
    restarted: bool


NOTHING = Piece(b"", restarted=False)


class Tail:
    """Reads what was appended to a file since the last look, complete lines alone.

    Where nothing has changed a look costs one `stat`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        #: Where the next look begins; everything before was handed out.
        self.offset = 0
        self._before = b""
        #: The file as it was at the last look; None before one, or if there was no file.
        self.seen: Stamp | None = None

    def look(self) -> Piece:
        """Read the lines that were completed since the last look; nothing from a file that is not there.

        After a file was cut back or replaced the piece has its lines from the start on.

        Raises:
            OSError: the file is there and cannot be read.
        """
        seen = stamp(self.path)
        if seen is None:
            return self._restart() if self.offset else NOTHING
        if seen == self.seen:
            return NOTHING
        piece = self._read()
        self.seen = seen
        return piece

    def _read(self) -> Piece:
        with self.path.open("rb", buffering=0) as file:
            file.seek(self.offset - len(self._before))
            data = file.read()
            restarted = not data.startswith(self._before)
            if restarted:
                self._restart()
                file.seek(0)
                data = file.read()
        start = len(self._before)
        stop = data.rfind(b"\n") + 1
        if stop <= start:
            return Piece(b"", restarted)
        self.offset += stop - start
        self._before = data[max(stop - OVERLAP, 0) : stop]
        return Piece(data[start:stop], restarted)

    def _restart(self) -> Piece:
        self.offset = 0
        self._before = b""
        self.seen = None
        return Piece(b"", restarted=True)
