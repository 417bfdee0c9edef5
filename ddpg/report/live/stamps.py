"""Stamps, by which one `stat` shows whether a file has changed."""

from pathlib import Path
from typing import NamedTuple


class Stamp(NamedTuple):
    """A file's size, time of its last change, and number on the disk: another content has another stamp."""

    size: int
    changed_ns: int
    number: int


def stamp(path: Path) -> Stamp | None:
    """Return the stamp of a file; None if it is not there or cannot be reached."""
    try:
        found = path.stat()
    except OSError:
        return None
    return Stamp(found.st_size, found.st_mtime_ns, found.st_ino)
