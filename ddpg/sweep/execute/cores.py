"""The processor cores of this machine, each for one run at a time."""

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from ddpg.record.provenance import available_cores


def usable() -> list[int]:
    """Return the cores that this process may use; second hyper-threads of a core come after all others."""
    return sorted(available_cores(), key=_is_second_thread)


def _is_second_thread(core: int) -> bool:
    try:
        siblings = Path(f"/sys/devices/system/cpu/cpu{core}/topology/thread_siblings_list").read_text(encoding="utf-8")
    except OSError:
        return False
    return core != int(re.split("[-,]", siblings)[0])


@contextmanager
def claimed(count: int) -> Iterator[list[int]]:
    """Give `count` cores that no other sweep of any user has claimed on this machine; [] if there are too few.

    A claim is a lock that ends with the process, so a kill leaves nothing behind.
    """
    folder = Path(tempfile.gettempdir()) / "ddpg-cores"
    cores: list[int] = []
    with ExitStack() as claims:
        try:
            _make_for_all_users(folder)
            for core in usable():
                if len(cores) < count and _claim(folder / str(core), claims):
                    cores.append(core)
        except OSError:  # there is no place for locks: the kernel spreads the processes as it likes
            cores = []
        yield cores if len(cores) == count and hasattr(os, "sched_setaffinity") else []


def _claim(path: Path, claims: ExitStack) -> bool:
    """Lock a file until `claims` closes; return whether no other process holds it."""
    try:
        descriptor = _opened(path)
    except PermissionError:  # another user makes it at this moment
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return False
    claims.callback(os.close, descriptor)
    return True


def _make_for_all_users(folder: Path) -> None:
    with suppress(FileExistsError):
        folder.mkdir()
        folder.chmod(0o1777)


def _opened(path: Path) -> int:
    """Open a file that every user can lock, for which reading is enough; it is made if it is not there."""
    with suppress(FileNotFoundError):
        return os.open(path, os.O_RDONLY)
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL, 0o644)
        os.fchmod(descriptor, 0o644)
        return descriptor
    return os.open(path, os.O_RDONLY)
