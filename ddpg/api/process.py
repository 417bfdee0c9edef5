"""What a training or an evaluation in this process leaves as it was, and that there is one at a time."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Lock

import torch

from ddpg.errors import UserError
from ddpg.training.seeding import process_generators_kept

#: Held while this process trains or evaluates, in `_work` what it does.
_turn = Lock()
_work = ""


@contextmanager
def alone(work: str) -> Iterator[None]:
    """Keep others out for the block, which uses the generators and the threads of the whole process.

    Args:
        work: what the block does, as in `runs/a is being trained`.

    Raises:
        UserError: another thread is in such a block, with what it does.
    """
    global _work
    if not _turn.acquire(blocking=False):
        raise UserError(f"{_work} in this process already; wait for its end, or use another process")
    try:
        _work = work
        with process_generators_kept(), threads_kept():
            yield
    finally:
        _turn.release()


@contextmanager
def threads_kept() -> Iterator[None]:
    """Let torch have as many threads after the block as before it."""
    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def logged_to(path: Path) -> Iterator[None]:
    """Write what this package logs in the block to a file, which is not made if there is nothing to write."""
    handler = _LogFile(path, encoding="utf-8", delay=True, errors="backslashreplace")
    handler.setFormatter(logging.Formatter("[%(asctime)s][%(name)s][%(levelname)s] - %(message)s"))
    log = logging.getLogger("ddpg")
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        handler.close()


class _LogFile(logging.FileHandler):
    """A file that prints nothing when it cannot be written, because the run itself says what is wrong with its disk."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - the name is Python's
        pass
