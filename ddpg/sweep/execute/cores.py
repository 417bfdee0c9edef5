"""The processor cores of this machine, each for one run at a time."""

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
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
    """Give `count` cores that no other sweep of this user has claimed on this machine; [] if there are too few.

    A claim is a lock that ends with the process, so a kill leaves nothing behind.
    """
    folder = Path(tempfile.gettempdir()) / f"ddpg-cores-{os.getuid()}"
    cores: list[int] = []
    with ExitStack() as claims:
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            for core in usable():
                if len(cores) < count and _claim(folder / str(core), claims):
                    cores.append(core)
        except OSError:  # there is no place for locks: the kernel spreads the processes as it likes
            cores = []
        yield cores if len(cores) == count and hasattr(os, "sched_setaffinity") else []


def _claim(path: Path, claims: ExitStack) -> bool:
    """Lock a file until `claims` closes; return whether no other process holds it."""
    file = path.open("w", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        return False
    claims.enter_context(file)
    return True
