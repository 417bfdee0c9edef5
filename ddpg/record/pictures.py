"""The making of pictures at the end of a run or in a report, which can fail without an end to either."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

from ddpg.errors import UserError, one_line, typed_line

log = logging.getLogger(__name__)


@contextmanager
def optional_pictures(what: str) -> Iterator[None]:
    """Import matplotlib and draw in this block. An exception becomes a warning, because the results are complete.

    MPLBACKEND is put aside: a notebook hands it on to its processes, and matplotlib cannot be imported where its
    backend is not installed.
    """
    chosen = os.environ.pop("MPLBACKEND", None)
    try:
        yield
    except Exception as error:
        reason = one_line(error) if isinstance(error, UserError) else typed_line(error)
        log.warning("no %s: %s", what, reason)
    finally:
        if chosen is not None:
            os.environ["MPLBACKEND"] = chosen
