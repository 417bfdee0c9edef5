"""Signals as a flag that training checks between two steps, so that no save is ever cut in half."""

import signal
import time
from types import FrameType, TracebackType

#: Seconds after the first Ctrl-C from which on another one means that the user will not wait for the save.
IMPATIENCE_S = 1.0
#: In this order: Ctrl-C, the end of a job or of the system, Slurm's warning before a time limit or a preemption, and
#: the closing of the terminal.
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR2, signal.SIGHUP)


class Interrupted(BaseException):
    """Says that training stopped on a signal; `exit_code` is the shell's convention, 128 + the signal's number.

    It is no Exception, so that what continues after a failure (the next job of a sweep) stops as well.
    """

    def __init__(self, signum: int) -> None:
        super().__init__(signal.Signals(signum).name)
        self.exit_code = 128 + signum


class InterruptFlag:
    """Catches SIGNALS within its `with` block; the handlers that were there before are not called.

    Where SIGHUP is ignored, as under nohup, it stays ignored. A second SIGINT raises KeyboardInterrupt at once, unless
    it comes within IMPATIENCE_S: wrappers send one Ctrl-C twice.
    """

    def __init__(self) -> None:
        self.signum: int | None = None  # of the first signal
        self.heard: set[int] = set()
        self._since = 0.0

    def __enter__(self) -> "InterruptFlag":
        survives_logout = signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
        caught = [s for s in SIGNALS if not (s == signal.SIGHUP and survives_logout)]
        self._previous = {s: signal.signal(s, self._set) for s in caught}
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        for s, handler in self._previous.items():
            signal.signal(s, handler)

    def _set(self, signum: int, frame: FrameType | None) -> None:
        self.heard.add(signum)
        if self.signum is None:
            self.signum = signum
            self._since = time.monotonic()
        elif signum == signal.SIGINT and time.monotonic() - self._since > IMPATIENCE_S:
            raise KeyboardInterrupt

    def check(self) -> None:
        """Raise Interrupted if a signal has come."""
        if self.signum is not None:
            raise Interrupted(self.signum)
