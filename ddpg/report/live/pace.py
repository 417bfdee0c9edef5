"""How often work is done, so that it never takes more than a share of a processor core."""

import time
from collections.abc import Iterator
from contextlib import contextmanager


class Pace:
    """Says when work is due again: later, the more processor time it took, and never before `least_s` are over.

    Args:
        share: of a core that the work may take, 0 to 1.
        least_s: seconds between two times at least.
    """

    def __init__(self, share: float, least_s: float) -> None:
        self._share = share
        self._least_s = least_s
        self._ended = float("-inf")
        self._cost_s = 0.0

    @property
    def period_s(self) -> float:
        """The seconds from one time to the next."""
        return max(self._least_s, self._cost_s / self._share)

    @property
    def is_due(self) -> bool:
        """Whether a period has passed since the work was done."""
        return time.monotonic() - self._ended >= self.period_s

    @contextmanager
    def working(self) -> Iterator[None]:
        """Measure the processor time of this thread in the block, which is the work."""
        before = time.thread_time()
        try:
            yield
        finally:
            self._cost_s = time.thread_time() - before
            self._ended = time.monotonic()


class Stopwatch:
    """Counts the processor time of this thread from its making on; `most_s` is how much may pass."""

    def __init__(self, most_s: float) -> None:
        self._end = time.thread_time() + most_s

    @property
    def is_over(self) -> bool:
        """Whether the time has passed."""
        return time.thread_time() >= self._end


class Allowance:
    """A share of a core that is saved up and spent: processor time for work.

    Args:
        share: of a core, 0 to 1.
        most_s: what can be saved up, in seconds of processor time.
    """

    def __init__(self, share: float, most_s: float) -> None:
        self._share = share
        self._most_s = most_s
        self._saved_s = most_s
        self._since = time.monotonic()

    @property
    def is_used_up(self) -> bool:
        """Whether nothing is left of what was saved up."""
        now = time.monotonic()
        self._saved_s = min(self._saved_s + self._share * (now - self._since), self._most_s)
        self._since = now
        return self._saved_s <= 0

    @contextmanager
    def spending(self) -> Iterator[None]:
        """Take off the processor time of this thread in the block, even if it is more than there is."""
        before = time.thread_time()
        try:
            yield
        finally:
            self._saved_s -= time.thread_time() - before
