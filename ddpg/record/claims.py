"""Who may write into a folder: a lock that the file system keeps, and new folders that no other process has."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import IO

from ddpg.errors import UserError

#: Seconds between two attempts to take a lock that another process holds.
POLL_S = 0.02

#: Locks that this process took before the block that is to hold them, by folder.
_claims: dict[Path, IO[bytes]] = {}


def new_folder(path: Path) -> Path:
    """Make a folder that did not exist: `path`, or if another process has made that, `path-2`, `path-3` and so on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    candidate = path
    for number in count(2):
        try:
            candidate.mkdir()
            break
        except FileExistsError:
            candidate = path.with_name(f"{path.name}-{number}")
    return candidate


def claim(folder: Path, name: str, in_use: str) -> None:
    """Lock a folder as `locked` does, before anything is written into it: for the next block that locks it here.

    If there is no such block, the lock ends with the process.
    """
    _claims[folder.resolve()] = _lock(folder, name, in_use)


def release(folder: Path) -> None:
    """End a claim that no block has taken over."""
    file = _claims.pop(folder.resolve(), None)
    if file is not None:
        file.close()


@contextmanager
def locked(folder: Path, name: str, in_use: str, patience_s: float = 0.0) -> Iterator[None]:
    """Hold FOLDER/.lock, until this process ends at the latest; the folder is made if it is not there.

    Args:
        name: how an error message calls the folder.
        in_use: the message if another process holds the lock.
        patience_s: seconds for which it is waited until that process is done.

    Raises:
        UserError: another process holds the lock, or the folder cannot be written to.
    """
    file = _claims.pop(folder.resolve(), None) or _lock(folder, name, in_use, patience_s)
    with file:
        yield


def _lock(folder: Path, name: str, in_use: str, patience_s: float = 0.0) -> IO[bytes]:
    """Return the file that holds the lock of a folder while it is open."""
    deadline = time.monotonic() + patience_s
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("ab")
    except OSError as error:
        raise UserError(f"{name} cannot be written to: {error.strerror}") from error
    while not _is_locked_by_us(file):
        if time.monotonic() >= deadline:
            file.close()
            raise UserError(in_use)
        time.sleep(POLL_S)
    return file


def _is_locked_by_us(file: IO[bytes]) -> bool:
    """Lock a file, and return False if another process has it locked."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
