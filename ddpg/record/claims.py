"""Who may write into a folder: a lock that the file system keeps, and new folders that no other process has."""

import errno
import fcntl
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from itertools import count
from pathlib import Path
from typing import IO

from ddpg.errors import UserError

log = logging.getLogger(__name__)

#: Errors of flock on a file system that has no locks, as Lustre without `-o flock`.
WITHOUT_LOCKS = (errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOTSUP, errno.ENOLCK)
#: Seconds between two attempts to take a lock that another process holds, at first and at last.
POLL_S = (0.02, 0.2)

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


def claim(
    folder: Path, name: str, in_use: str, patience_s: float = 0.0, on_wait: Callable[[], None] = lambda: None
) -> None:
    """Lock a folder as `locked` does, before anything is written into it: for the next block that locks it here.

    If there is no such block, the lock ends with the process.
    """
    _claims[folder.resolve()] = _lock(folder, name, in_use, patience_s, on_wait=on_wait)


def release(folder: Path) -> None:
    """End a claim that no block has taken over."""
    file = _claims.pop(folder.resolve(), None)
    if file is not None:
        file.close()


@contextmanager
def locked(
    folder: Path,
    name: str,
    in_use: str,
    patience_s: float = 0.0,
    is_shared: bool = False,
    on_wait: Callable[[], None] = lambda: None,
) -> Iterator[None]:
    """Hold FOLDER/.lock, until this process ends at the latest; the folder is made if it is not there.

    On a file system without locks nothing is held, and a warning says so.

    Args:
        name: how an error message calls the folder.
        in_use: the message if another process holds the lock.
        patience_s: seconds for which it is waited until that process is done.
        is_shared: whether processes share the folder, so that they cannot do without locks.
        on_wait: called again and again meanwhile; what it raises ends the wait.

    Raises:
        UserError: another process holds the lock, the folder cannot be written to, or locks are missing that processes
            cannot do without.
    """
    file = _claims.pop(folder.resolve(), None) or _lock(folder, name, in_use, patience_s, is_shared, on_wait)
    with file:
        yield


def _lock(
    folder: Path,
    name: str,
    in_use: str,
    patience_s: float,
    is_shared: bool = False,
    on_wait: Callable[[], None] = lambda: None,
) -> IO[bytes]:
    """Return the file that holds the lock of a folder while it is open."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("ab")
    except OSError as error:
        raise UserError(f"{name} cannot be written to: {error.strerror}") from error
    with ExitStack() as stack:
        stack.enter_context(file)
        try:
            _wait_for_lock(file, in_use, patience_s, on_wait)
        except OSError as error:
            if error.errno not in WITHOUT_LOCKS:
                raise UserError(f"{name} cannot be locked: {error.strerror}") from error
            if is_shared:
                raise UserError(
                    f"{name} cannot be locked: {error.strerror}; its processes take turns by locks, so choose a folder "
                    "on a file system that has them"
                ) from error
            _warn_of_missing_locks(str(error.strerror))
        stack.pop_all()
    return file


@cache  # one warning in a process, however many folders it locks
def _warn_of_missing_locks(reason: str) -> None:
    log.warning("flock: %s: this file system has no locks, so nothing keeps a second process out of a folder", reason)


def _wait_for_lock(file: IO[bytes], in_use: str, patience_s: float, on_wait: Callable[[], None]) -> None:
    """Lock a file; raise UserError if another process still holds the lock after `patience_s` seconds."""
    deadline = time.monotonic() + patience_s
    pause_s, longest_s = POLL_S
    while not _is_locked_by_us(file):
        if time.monotonic() >= deadline:
            raise UserError(in_use)
        on_wait()
        time.sleep(pause_s)
        pause_s = min(1.1 * pause_s, longest_s)


def _is_locked_by_us(file: IO[bytes]) -> bool:
    """Lock a file, and return False if another process has it locked."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
