"""Tests of the difference of two configurations: a permutation test of the means, and Welch's test beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from math import comb, sqrt

import numpy as np
from scipy.special import stdtr

from ddpg.record.series import Series
from ddpg.report.intervals import t_quantile

#: So many divisions of the seeds into two groups are all tried, those of 10 and 10 seeds; of more, DRAWN are drawn.
MOST = 200_000
DRAWN = 20_000
#: Means that differ by less than this share of the largest score are equal but for rounding.
ROUNDING = 1e-10


@dataclass(frozen=True)
class Permutation:
    """The p-value of a permutation test, and its standard error; exact if all permutations were tried."""

    p: float
    error: float
    exact: bool


@dataclass(frozen=True)
class TTest:
    """The two-sided p-value of a t test, and the 95 % interval of the difference first - second."""

    p: float
    low: float
    high: float


@cache
def divisions(first: int, second: int) -> tuple[Series, bool]:
    """Return the divisions of first + second runs into two groups, and whether these are all.

    Returns:
        [divisions, runs]: 1 for each run of the first group, else 0. Where they are drawn, the first is the actual one,
        as it must be for a test that holds its level.
    """
    if comb(first + second, first) <= MOST:
        places = np.array(list(combinations(range(first + second), first)))
        chosen = np.zeros((len(places), first + second))
        np.put_along_axis(chosen, places, 1.0, axis=1)
        return chosen, True
    return drawn_divisions(first, second, DRAWN, np.random.default_rng(0)), False


def drawn_divisions(first: int, second: int, count: int, generator: np.random.Generator) -> Series:
    """Draw divisions, and put the actual one before them, [count + 1, runs]."""
    ranks = generator.random((count, first + second)).argsort(axis=1).argsort(axis=1)
    actual = np.arange(first + second) < first
    return np.vstack([actual, ranks < first]).astype(float)


def permutation_p(first: Series, second: Series, chosen: Series) -> Series:
    """Return the share of divisions whose means differ at least as much as the actual ones.

    Under the hypothesis that both groups are drawn from one distribution, whatever it is, each division is equally
    likely, so that the share is at most alpha in at most alpha of cases.

    Args:
        first: [..., n] scores of the first configuration.
        second: [..., m] scores of the second.
        chosen: [divisions, n + m], as `divisions` returns them.
    """
    count = first.shape[-1]
    scores = np.concatenate([first, second], axis=-1)
    centered = scores - scores.mean(axis=-1, keepdims=True)
    # centered scores sum to zero: the difference of the means is their sum in the first group times 1/n + 1/m
    actual = np.abs(centered[..., :count].sum(axis=-1, keepdims=True))
    tolerance = ROUNDING * np.abs(scores).max(axis=-1, keepdims=True)
    return np.asarray((np.abs(centered @ chosen.T) >= actual - tolerance).mean(axis=-1))


def permutation_test(first: Series, second: Series) -> Permutation:
    """Test whether two configurations have one distribution of scores, by the difference of their means."""
    chosen, exact = divisions(len(first), len(second))
    p = float(permutation_p(first, second, chosen))
    return Permutation(p, 0.0 if exact else sqrt(p * (1 - p) / len(chosen)), exact)


def smallest_p(first: int, second: int) -> float:
    """Return the smallest p-value that the permutation test can have with so many seeds, whatever their scores."""
    return (2 if first == second else 1) / comb(first + second, first)


def welch(first: Series, second: Series) -> TTest | None:
    """Compare two means by Welch's test, which takes no equal variances for granted; None with a single score.

    Two groups without any variance differ with p = 0, or are equal with p = 1.
    """
    if min(len(first), len(second)) < 2:
        return None
    difference = float(first.mean() - second.mean())
    parts = np.array([first.var(ddof=1) / len(first), second.var(ddof=1) / len(second)])
    error = sqrt(parts.sum())
    if error <= rounding(first, second):
        return TTest(float(abs(difference) <= rounding(first, second)), difference, difference)
    freedom = parts.sum() ** 2 / (parts**2 / [len(first) - 1, len(second) - 1]).sum()
    half = t_quantile(freedom) * error
    return TTest(2 * float(stdtr(freedom, -abs(difference) / error)), difference - half, difference + half)


def p_value(first: Series, second: Series, permutation: float, by_welch: float) -> float:
    """Return the p-value by which is decided: that of the permutation test, or the larger one of unequally many seeds.

    With unequal numbers of seeds the permutation test takes a difference of spread for one of means.
    """
    return permutation if len(first) == len(second) else max(permutation, by_welch)


def pooled_deviation(first: Series, second: Series) -> float | None:
    """Return the standard deviation of the seeds around the means of their configurations; None with 2 scores."""
    freedom = len(first) + len(second) - 2
    if freedom < 1:
        return None
    deviation = sqrt((len(first) * first.var() + len(second) * second.var()) / freedom)
    return deviation if deviation > rounding(first, second) else 0.0


def rounding(*scores: Series) -> float:
    """Return the largest difference or deviation of scores, each [n], that may come from rounding alone."""
    return ROUNDING * max(float(np.abs(some).max()) for some in scores)


def hedges_g(first: Series, second: Series) -> float | None:
    """Return the difference of the means in pooled standard deviations, corrected for few seeds (Hedges 1981).

    None where the seeds do not differ.
    """
    deviation = pooled_deviation(first, second)
    if not deviation:
        return None
    freedom = len(first) + len(second) - 2
    return float(first.mean() - second.mean()) / deviation * few_seeds(freedom)


def few_seeds(freedom: int) -> float:
    """Return by what an effect in estimated deviations is too large, as a factor (Hedges 1981)."""
    return 1 - 3 / (4 * freedom - 1)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for their number (Holm 1979): each that is at most alpha is significant, in the order given.

    The chance of any false positive among them is at most alpha.
    """
    order = np.argsort(p_values, kind="stable")
    factors = len(p_values) - np.arange(len(p_values))
    adjusted = np.minimum(1.0, np.maximum.accumulate(np.array(p_values)[order] * factors)) if len(order) else order
    return [float(adjusted[place]) for place in np.argsort(order)]
