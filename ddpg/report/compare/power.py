"""How large a difference so many seeds would find, and how many seeds a difference needs."""

from functools import cache
from math import inf, sqrt

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtri, ndtr, stdtrit

from ddpg.record.series import Series
from ddpg.report.compare.difference import smallest_p

#: A difference is found in 8 of 10 cases.
POWER = 0.8
#: No more seeds are looked for.
MOST_SEEDS = 10_000
#: The largest effect that is looked for, in standard deviations.
LARGEST_EFFECT = 100.0
#: Equally likely values of the estimated standard deviation, over which a power is averaged.
DEVIATIONS = 2000


def power(effect: float, first: int, second: int, level: float) -> float:
    """Return the chance that a two-sided t test finds a difference.

    The permutation test of the means has nearly the same chance (tests/report/compare/test_power.py), and none at all
    where even its smallest p-value is above the level.

    Args:
        effect: the difference of the true means in standard deviations of the seeds.
        first: seeds of one configuration.
        second: seeds of the other.
        level: of the test, as 0.05.
    """
    if smallest_p(first, second) > level:
        return 0.0
    shift = abs(effect) / sqrt(1 / first + 1 / second)
    bounds = _bounds(first + second - 2, level)
    return float((ndtr(shift - bounds) + ndtr(-shift - bounds)).mean())


@cache
def _bounds(freedom: int, level: float) -> Series:
    """Return what a normal variable must exceed to be significant, for each of DEVIATIONS estimates of its deviation.

    A t variable is normal / sqrt(chi^2 / freedom). scipy's distribution of a shifted one is nan for large shifts.
    """
    shares = (np.arange(DEVIATIONS) + 0.5) / DEVIATIONS
    return np.asarray(stdtrit(freedom, 1 - level / 2) * np.sqrt(chdtri(freedom, shares) / freedom))


def smallest_effect(first: int, second: int, level: float) -> float:
    """Return the effect that is found in 8 of 10 cases; infinite where these seeds cannot find any."""
    if smallest_p(first, second) > level:
        return inf
    return float(brentq(lambda effect: power(effect, first, second, level) - POWER, 0.0, LARGEST_EFFECT))


def seeds_needed(effect: float, level: float) -> int | None:
    """Return how many seeds of each configuration find an effect in 8 of 10 cases; None for more than MOST_SEEDS."""
    if power(effect, MOST_SEEDS, MOST_SEEDS, level) < POWER:
        return None
    enough = MOST_SEEDS
    too_few = 1
    while enough - too_few > 1:
        middle = (enough + too_few) // 2
        if power(effect, middle, middle, level) >= POWER:
            enough = middle
        else:
            too_few = middle
    return enough
