"""Work in a thread of its own, where Ctrl-C cannot cut it in half."""

import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
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
    awaited = _imports_in_progress()
    with _importable_as_they_are(awaited):
        return _in_a_thread(work, stop, awaited)


def _in_a_thread(work: Callable[[], Result], stop: Callable[[], None] | None, awaited: frozenset[str]) -> Result:
    outcome: Future[Result] = Future()
    thread = Thread(target=_run, args=(work, outcome, awaited), name="ddpg", daemon=True)
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
    """Raise UserError for a module that the waiting thread is importing, which has not all of its names yet."""
    if module in getattr(_this_thread, "awaited", ()):
        raise UserError(
            f"{module} is still being imported, and a run that needs it would find a part of it: call ddpg in a "
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


@contextmanager
def _importable_as_they_are(modules: Iterable[str]) -> Iterator[None]:
    """Let other threads import modules that this one is importing, as far as they have come.

    So does Python with a circular import in one thread. Otherwise the work would wait for the end of their import, and
    that for the work, where a module that the work imports imports one of these.
    """
    specs: list[Any] = [getattr(sys.modules.get(name), "__spec__", None) for name in modules]
    waiting = [spec for spec in specs if getattr(spec, "_initializing", False)]
    for spec in waiting:
        spec._initializing = False  # what `import` of another thread waits for
    try:
        yield
    finally:
        for spec in waiting:
            spec._initializing = True


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
