"""Signals as a flag that training checks between two steps, so that no save is ever cut in half."""

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

#: Seconds after the first Ctrl-C from which on another one means that the user will not wait for the save.
IMPATIENCE_S = 1.0
#: What people and schedulers send, caught whatever handler was there, such as submitit's. In this order: Ctrl-C,
#: Ctrl-Backslash, the end of a job or of the system, two warnings before a limit or a preemption, a closed terminal.
SENT = (signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP)
#: Whatever else ends a process that does not catch it, unless the process is broken: a limit of processor time,
#: timers, a failing power supply. Caught where nobody else does; not every system has them all.
OTHERS = tuple(
    getattr(signal, name)
    for name in ("SIGXCPU", "SIGALRM", "SIGVTALRM", "SIGPROF", "SIGPWR", "SIGIO", "SIGSTKFLT")
    if hasattr(signal, name)
)
SIGNALS = SENT + OTHERS
#: What a user sends who will not wait, if it comes again.
BY_HAND = (signal.SIGINT, signal.SIGQUIT)


@contextmanager
def ending_at_once() -> Iterator[None]:
    """Let Ctrl-C end the process without a word within the block, which imports libraries and leaves nothing undone.

    A KeyboardInterrupt in the middle of an import prints pages, and aborts the process where C++ is called.
    """
    before = signal.getsignal(signal.SIGINT)
    if before is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class Interrupted(BaseException):
    """Says that training stopped on a signal; `exit_code` is the shell's convention, 128 + the signal's number.

    It is no Exception, so that what continues after a failure (the next job of a sweep) stops as well.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(signal.Signals(signum).name)
        self.exit_code = 128 + signum


class InterruptFlag:
    """Catches signals within its `with` block; the handlers that were there before are not called.

    What is ignored, as SIGHUP under nohup, stays ignored. A second SIGINT or SIGQUIT raises KeyboardInterrupt at once,
    unless it comes within IMPATIENCE_S: wrappers send one Ctrl-C twice. Blocks of one flag may lie in each other.

    Args:
        signals: those that it catches; with none of them, `stop` alone sets the flag.
    """

    def __init__(self, signals: Sequence[int] = SIGNALS) -> None:
        self.signum: int | None = None  # of the first signal
        self._signals = signals
        self.heard: set[int] = set()
        self._since = 0.0
        self._handler = self._set  # one object, because it is compared
        self._before: list[dict[int, Any]] = []  # the handlers that each block has replaced

    def __enter__(self) -> "InterruptFlag":
        caught = [number for number in self._signals if _is_free(number)]
        self._before.append({number: signal.signal(number, self._handler) for number in caught})
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        for number, handler in self._before.pop().items():
            if signal.getsignal(number) is self._handler:  # else somebody has taken it over since
                signal.signal(number, handler)

    def _set(self, signum: int, frame: FrameType | None) -> None:
        self.heard.add(signum)
        if self.signum is None:
            self.signum = signum
            self._since = time.monotonic()
        elif signum in BY_HAND and time.monotonic() - self._since > IMPATIENCE_S:
            raise KeyboardInterrupt

    def stop(self, signum: int) -> None:
        """Set the flag as if that signal had come."""
        self.signum = signum

    def check(self) -> None:
        """Raise Interrupted if a signal has come."""
        if self.signum is not None:
            raise Interrupted(self.signum)

    def check_after(self, seconds: float) -> Callable[[], None]:
        """Return `check` for a wait that begins now, which a signal does not end within its first seconds."""
        patient_until = time.monotonic() + seconds

        def check() -> None:
            if time.monotonic() >= patient_until:
                self.check()

        return check


def _is_free(signum: int) -> bool:
    """Tell whether a signal may be caught: its handler is nobody's, or it is one of those that are always meant for us.

    A shell lets what it starts in the background ignore SIGINT and SIGQUIT, and yet they can be sent to it.
    """
    handler = signal.getsignal(signum)
    if signum in (*BY_HAND, signal.SIGTERM):
        return True
    return handler != signal.SIG_IGN if signum in SENT else handler == signal.SIG_DFL
