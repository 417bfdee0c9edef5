"""How large a difference so many seeds would find, and how many seeds a difference needs."""

from collections.abc import Callable
from functools import cache
from math import floor, inf

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtri, ndtr, stdtrit

from ddpg.record.series import Series

#: A difference is found in 8 of 10 cases.
POWER = 0.8
#: No more seeds are looked for.
MOST_SEEDS = 10_000
#: The largest effect that is looked for, in standard deviations.
LARGEST_EFFECT = 100.0
#: Equally likely values of the estimated standard deviation, over which a power is averaged.
DEVIATIONS = 2000
#: A test with more different p-values than this attains every level, but for rounding.
MANY = 1e6


def t_power(shift: float, freedom: int, level: float) -> float:
    """Return the chance that a two-sided t test finds a difference.

    Args:
        shift: the difference of the true means in standard errors.
        freedom: degrees of freedom.
        level: of the test, as 0.05.
    """
    bounds = _bounds(freedom, level)
    return float((ndtr(abs(shift) - bounds) + ndtr(-abs(shift) - bounds)).mean())


def attained(level: float, smallest_p: float) -> float:
    """Return the largest p-value at most `level` of a test whose p-values are multiples of its smallest one.

    With few seeds it is well below the level, and 0 where even the smallest p-value is above it.
    """
    if smallest_p * MANY < 1:
        return level
    return floor(level / smallest_p + 1e-9) * smallest_p


@cache
def _bounds(freedom: int, level: float) -> Series:
    """Return what a normal variable must exceed to be significant, for each of DEVIATIONS estimates of its deviation.

    A t variable is normal / sqrt(chi^2 / freedom). scipy's distribution of a shifted one is nan for large shifts.
    """
    shares = (np.arange(DEVIATIONS) + 0.5) / DEVIATIONS
    return np.asarray(stdtrit(freedom, 1 - level / 2) * np.sqrt(chdtri(freedom, shares) / freedom))


def smallest_effect(power: Callable[[float], float]) -> float:
    """Return the effect that is found in 8 of 10 cases; infinite where none is.

    Args:
        power: the chance to find an effect, which is in standard deviations.
    """
    if power(LARGEST_EFFECT) < POWER:
        return inf
    return float(brentq(lambda effect: power(effect) - POWER, 0.0, LARGEST_EFFECT))


def seeds_needed(power: Callable[[int], float]) -> int | None:
    """Return how many seeds find an effect in 8 of 10 cases; None for more than MOST_SEEDS.

    Args:
        power: the chance of so many seeds to find it.
    """
    if power(MOST_SEEDS) < POWER:
        return None
    enough = MOST_SEEDS
    too_few = 1
    while enough - too_few > 1:
        middle = (enough + too_few) // 2
        if power(middle) >= POWER:
            enough = middle
        else:
            too_few = middle
    return enough
