"""Work in a thread of its own, where Ctrl-C cannot cut it in half."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread, local
from time import monotonic
from typing import Any, TypeVar

from ddpg.interrupt import IMPATIENCE_S, Interrupted

Result = TypeVar("Result")

#: Has `inside` in the threads of `apart`.
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
    if hasattr(_this_thread, "inside"):  # a module that is imported there calls it, and would wait for itself
        return work()
    outcome: Future[Result] = Future()
    thread = Thread(target=_run, args=(work, outcome), name="ddpg", daemon=True)
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


def _run(work: Callable[[], Result], outcome: Future[Result]) -> None:
    _this_thread.inside = True
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
