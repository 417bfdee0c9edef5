"""Shares of runs with their 95 % intervals: in one environment, and on average over several."""

import numpy as np
from scipy.special import betaincinv

from ddpg.record.series import Series
from ddpg.report.intervals import LEVEL

#: In place of a count of 0, of which there is no beta distribution; the bound there is 0 or 1.
TINY = 1e-9


def clopper_pearson(found: Series | float, runs: int) -> Series:
    """Bound a share by what Clopper and Pearson (1934) found, which covers in at least 95 % of cases.

    Args:
        found: [...] of how many runs something is true; a run of which it is half true counts as a half.
        runs: all of them.

    Returns:
        [2, ...]
    """
    outside = (1 - LEVEL) / 2
    true = np.asarray(found, dtype=np.float64)
    low = betaincinv(np.maximum(true, TINY), runs - true + 1, outside)
    high = betaincinv(true + 1, np.maximum(runs - true, TINY), 1 - outside)
    return np.stack([np.where(true == 0, 0.0, low), np.where(true == runs, 1.0, high)])


def mean_share(shares: Series, lows: Series, highs: Series) -> Series:
    """Average shares of environments, each [environments, ...], and combine the distances of their bounds.

    That is MOVER (Zou and Donner 2008): the bounds of a mean are as far from it as the root of the sum of squares.

    Returns:
        [3, ...] the mean, its lower and its upper bound.
    """
    mean = shares.mean(axis=0)
    down = np.sqrt(((shares - lows) ** 2).sum(axis=0)) / len(shares)
    up = np.sqrt(((highs - shares) ** 2).sum(axis=0)) / len(shares)
    return np.stack([mean, mean - down, mean + up])
