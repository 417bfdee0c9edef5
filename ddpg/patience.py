"""Lines about how far work is that takes long, for those who wait for it."""

import logging
import time

#: Seconds between two lines.
REPORT_S = 10.0


class Patience:
    """Logs a line only if `REPORT_S` have passed since the last one, or since the work began."""

    def __init__(self, log: logging.Logger) -> None:
        self._log = log
        self._next_report = time.monotonic() + REPORT_S

    def info(self, line: str, *values: object) -> None:
        """Log a line with its values, if it is time for one."""
        if time.monotonic() >= self._next_report:
            self._next_report = time.monotonic() + REPORT_S
            self._log.info(line, *values)
