"""The probability of improvement: that a run of one configuration is better than one of another."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq

from ddpg.record.series import Series
from ddpg.report.compare.shares import clopper_pearson, mean_share
from ddpg.report.intervals import t_quantile

#: As near to a probability of 0 or 1 as bounds are looked for.
NEARLY = 1e-9


class Improvement(NamedTuple):
    """A probability and its 95 % interval."""

    probability: float
    low: float
    high: float


def improvement(first: Series, second: Series) -> Improvement:
    """Estimate P(first > second) + P(first = second) / 2 from all pairs of runs, as Agarwal et al. 2021 do.

    The interval is method 5 of Newcombe (2006), which allows for probabilities near 0 and 1, with a quantile of
    Student's t in place of the normal one: with few seeds it covers in 94 to 100 % of cases, a bootstrap in far fewer.
    """
    wins = (np.sign(first[:, None] - second[None, :]) + 1) / 2
    probability = float(wins.mean())
    return Improvement(probability, *bounds(probability, len(first), len(second)))


def paired_improvement(first: Series, second: Series) -> Improvement:
    """Estimate the same of two runs of one seed, from the pairs, each [pairs].

    It is another probability than that of any two runs: what the runs of a seed have in common is left out. The
    interval is that of Clopper and Pearson, in which a tie counts as half a win.
    """
    wins = (np.sign(first - second) + 1) / 2
    low, high = clopper_pearson(float(wins.sum()), len(wins))
    return Improvement(float(wins.mean()), float(low), float(high))


def mean_improvement(found: Sequence[Improvement]) -> Improvement:
    """Average over environments."""
    return Improvement(*map(float, mean_share(*np.array(found).T)))


def bounds(probability: float, first: int, second: int) -> tuple[float, float]:
    """Return the smallest and the largest theta with (probability - theta)^2 <= q^2 var(theta).

    Both sides are divided by theta (1 - theta), because they would meet at a probability of 0 or 1 too. With 2 runs in
    all, nothing is known.
    """
    if first + second < 3:
        return 0.0, 1.0
    quantile = t_quantile(first + second - 2)

    def excess(theta: float) -> float:
        distance = (probability - theta) ** 2 / (theta * (1 - theta))
        return distance - quantile**2 * _variance_factor(theta, first, second)

    low = 0.0 if probability == 0 else float(brentq(excess, NEARLY, min(probability, 1 - NEARLY)))
    high = 1.0 if probability == 1 else float(brentq(excess, max(probability, NEARLY), 1 - NEARLY))
    return low, high


def _variance_factor(theta: float, first: int, second: int) -> float:
    """Return var(theta) / (theta (1 - theta)), where each of the two groups scatters more in half of the cases."""
    several = (first + second) / 2 - 1
    return (1 + several * ((1 - theta) / (2 - theta) + theta / (1 + theta))) / (first * second)
