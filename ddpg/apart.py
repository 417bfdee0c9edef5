"""Work in a thread of its own, where Ctrl-C cannot cut it in half."""

import sys
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread, local
from time import monotonic
from types import FrameType
from typing import Any, TypeVar

from ddpg.errors import UserError
from ddpg.interrupt import IMPATIENCE_S, Interrupted

Result = TypeVar("Result")

#: Has `awaited` in the threads of `apart`: the modules that the waiting thread is importing.
_this_thread = local()


def apart(work: Callable[[], Result], stop: Callable[[], None] | None = None) -> Result:
    """Do some work in a thread while this one waits, and return or raise what it does.

    Python raises KeyboardInterrupt between any two instructions of the main thread, and of no other. So it comes where
    this function waits, and is raised again. No signal handler is needed, which other threads could not set, and what
    belongs to a thread stays as it is: torch's flushing of denormal numbers, its gradient mode, an event loop.

    Args:
        work: a function.
        stop: lets the work end soon by raising Interrupted; it is waited for, unless Ctrl-C comes again after
            IMPATIENCE_S. None: Ctrl-C leaves the work alone, which goes on to its end.
    """
    if hasattr(_this_thread, "awaited"):  # a module that is imported there calls it, and would wait for itself
        return work()
    outcome: Future[Result] = Future()
    thread = Thread(target=_run, args=(work, outcome, _imports_in_progress()), name="ddpg", daemon=True)
    try:
        thread.start()
        result = outcome.result()  # unlike `wait` and `exception`, it keeps no outcome in memory after Ctrl-C
        thread.join()  # not before, because Ctrl-C in a join lets Python 3.11 take a thread for ended
        return result
    except KeyboardInterrupt as pressed:
        if stop is not None and not outcome.cancel():
            _wait_for_the_end(outcome, stop)
            thread.join()
            failure = outcome.exception()
            if failure is not None and not isinstance(failure, Interrupted | KeyboardInterrupt):
                raise pressed from failure
            del failure
        raise
    finally:
        del outcome  # else its exception keeps itself in memory, and with it what was trained


def require_importable(module: str) -> None:
    """Raise UserError for a module that the waiting thread is importing: each thread would wait for the other."""
    if module in getattr(_this_thread, "awaited", ()):
        raise UserError(
            f"{module} is still being imported, and its own import would wait for a run that needs it: call ddpg in a "
            'function that is called later, or below if __name__ == "__main__":'
        )


def _imports_in_progress() -> frozenset[str]:
    """Return the names of the modules that this thread is importing, whose locks it holds."""
    names: list[str] = []
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_code.co_name == "_find_and_load" and frame.f_globals.get("__name__") == "importlib._bootstrap":
            names.append(frame.f_locals["name"])
        frame = frame.f_back
    return frozenset(names)


def _run(work: Callable[[], Result], outcome: Future[Result], awaited: frozenset[str]) -> None:
    _this_thread.awaited = awaited
    if outcome.set_running_or_notify_cancel():
        try:
            outcome.set_result(work())
        except BaseException as error:  # it is raised where the result is waited for
            outcome.set_exception(error)
            del work, outcome  # as in `apart`


def _wait_for_the_end(outcome: Future[Any], stop: Callable[[], None]) -> None:
    """Stop the work and wait for its outcome.

    Ctrl-C ends the wait, but not within IMPATIENCE_S, because wrappers send one Ctrl-C twice.
    """
    since = monotonic()
    while not outcome.done():
        try:
            stop()
            outcome.exception()
        except KeyboardInterrupt:
            if monotonic() - since > IMPATIENCE_S:
                raise
