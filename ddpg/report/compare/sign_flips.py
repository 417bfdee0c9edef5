"""Tests of paired differences: all flips of their signs, and Student's t test beside it.

Each flip exchanges the two runs of a pair, so this is the permutation test within pairs. Flipped signs leave the sum of
squares as it is, so that t grows with the mean alone: a studentized statistic would order the flips in the same way.
"""

from math import sqrt

import numpy as np
from scipy.special import stdtr

from ddpg.record.series import Series
from ddpg.report.compare.difference import DRAWN, Permutation, TTest, rounding
from ddpg.report.intervals import t_quantile

#: All 2^n flips of so many pairs are counted, as sums of 2^(n / 2) flips of each half; of more, DRAWN are drawn.
MOST_EXACT = 36


def sign_flip_test(first: Series, second: Series) -> Permutation:
    """Test whether the runs of a pair could be exchanged, by the mean of the differences first - second, each [pairs].

    If it makes no difference which run of a pair is of which configuration, each flip is equally likely, whatever the
    distribution of the scores is and however much the runs of a pair have in common, even nothing. So the share of
    flips with a mean at least as far from zero is at most alpha in at most alpha of cases. A difference of zero, as of
    two runs that failed, tells nothing, and costs the test as much as a missing pair.
    """
    differences = first - second
    least = abs(float(differences.sum())) - rounding(first, second)
    if len(differences) <= MOST_EXACT:
        return Permutation(_exact_share(differences, least), 0.0, True)
    return _drawn(differences, least)


def smallest_p(pairs: int) -> float:
    """Return the smallest p-value that so many pairs can have: that of differences which all have one sign."""
    return 2.0 ** (1 - pairs)


def paired_t_test(first: Series, second: Series) -> TTest | None:
    """Test the mean of paired differences by Student's t; None with a single pair.

    Differences without any variance differ from zero with p = 0, or are zero with p = 1.
    """
    pairs = len(first)
    if pairs < 2:
        return None
    differences = first - second
    mean = float(differences.mean())
    error = float(differences.std(ddof=1)) / sqrt(pairs)
    if error <= rounding(first, second):
        return TTest(float(abs(mean) <= rounding(first, second)), mean, mean)
    half = t_quantile(pairs - 1) * error
    return TTest(2 * float(stdtr(pairs - 1, -abs(mean) / error)), mean - half, mean + half)


def _exact_share(differences: Series, least: float) -> float:
    """Return the share of all flips whose sum is at least `least` or at most its negative."""
    if least <= 0:
        return 1.0
    middle = len(differences) // 2
    ordered = np.sort(_flipped_sums(differences[middle:]))
    # a flip of the one half reaches `least` with those flips of the other that are not below what is missing
    missing = least - _flipped_sums(differences[:middle])
    reaching = len(ordered) - np.searchsorted(ordered, missing)
    return 2 * int(reaching.sum()) / 2 ** len(differences)


def _flipped_sums(differences: Series) -> Series:
    """Return the sums of the differences with all combinations of signs, [2^n]."""
    sums = np.zeros(1)
    for one in differences:
        sums = np.concatenate([sums + one, sums - one])
    return sums


def _drawn(differences: Series, least: float) -> Permutation:
    """Count among drawn flips, and the actual signs, which a test that keeps its level must count."""
    signs = np.random.default_rng(0).choice([-1.0, 1.0], size=(DRAWN, len(differences)))
    p = (1 + int((np.abs(signs @ differences) >= least).sum())) / (DRAWN + 1)
    return Permutation(p, sqrt(p * (1 - p) / (DRAWN + 1)), False)
