"""The making of pictures at the end of a run or in a report, which can fail without an end to either."""

import logging
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from ddpg.errors import UserError, one_line, typed_line, untyped_first_line

log = logging.getLogger(__name__)


@contextmanager
def optional_pictures(what: str) -> Iterator[None]:
    """Import matplotlib and draw in this block. An exception becomes a warning, because the results are complete.

    MPLBACKEND is put aside: a notebook hands it on to its processes, and matplotlib cannot be imported where its
    backend is not installed. For the user's own pictures in this process it holds afterwards.
    """
    chosen = os.environ.pop("MPLBACKEND", None)
    was_imported = "matplotlib" in sys.modules
    try:
        yield
    except Exception as error:
        reason = one_line(error) if isinstance(error, UserError) else typed_line(error)
        log.warning("no %s: %s", what, reason)
    finally:
        if chosen is not None:
            os.environ["MPLBACKEND"] = chosen
            if not was_imported and "matplotlib" in sys.modules:
                _choose(chosen)


def _choose(backend: str) -> None:
    """Let pyplot take a backend, as `import matplotlib` does by MPLBACKEND."""
    try:
        sys.modules["matplotlib"].rcParams["backend"] = backend
    except ValueError as error:
        log.warning("MPLBACKEND: %s", untyped_first_line(error))
