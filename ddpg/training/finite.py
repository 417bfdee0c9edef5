"""Whether numbers are finite: NaN and infinity stop a run before they spoil what is stored."""

import math
from typing import Any

import numpy as np

#: The words of an error that says so.
NOT_FINITE = "is not finite"


def finite(value: Any) -> bool:
    """Whether a number, or every number of an array, is neither NaN nor infinite."""
    if not isinstance(value, np.ndarray):
        return math.isfinite(value)
    # for the short arrays that come at every step this is faster than numpy's isfinite
    return all(map(math.isfinite, value.ravel().tolist()))
