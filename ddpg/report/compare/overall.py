"""Scores of one configuration over several environments: mean, interquartile mean, optimality gap and profile.

Environments have scores of different sizes, so each is normalized first; the range that becomes 0 to 1 is always named.
The t intervals resample nothing: variances are those of the seeds within their environments, so that environments stay
what they are, and a quantile of Student's t allows for few seeds (docs/statistics.md has what they cover).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ddpg.record.series import Series
from ddpg.report.compare.shares import clopper_pearson, mean_share
from ddpg.report.intervals import t_quantile

#: Normalized scores at which a profile is drawn.
THRESHOLDS = np.linspace(0.0, 1.0, 101)


class Estimate(NamedTuple):
    """A value and its 95 % interval; nan bounds where an environment has a single seed."""

    value: float
    low: float
    high: float


class Profile(NamedTuple):
    """A share at each of THRESHOLDS and its 95 % interval, which holds at a threshold by itself, not at all at once."""

    share: Series
    low: Series
    high: Series


def normalized(scores: Series, low: float, high: float) -> Series:
    """Return scores with `low` at 0 and `high` at 1; all 0 where these are equal."""
    return (scores - low) / (high - low) if high > low else np.zeros_like(scores)


def overall_mean(scores: Sequence[Series]) -> Estimate:
    """Average the mean scores of the environments, each of them [seeds]."""
    counts = np.array([len(one) for one in scores])
    return _around(float(np.mean([one.mean() for one in scores])), _half_width(scores, 1 / len(scores), counts))


def overall_iqm(scores: Sequence[Series]) -> Estimate:
    """Return the mean of the middle half of the runs of all environments (Agarwal et al. 2021).

    Its interval is that of a trimmed mean (Tukey and McLaughlin): scores outside of the middle half count as the
    nearest score in it, and an environment has as many degrees of freedom as it has runs in it, less one. For one
    environment that is `intervals.iqm_interval`.
    """
    runs = np.sort(np.concatenate(list(scores)))
    cut = len(runs) // 4
    kept = runs[cut : len(runs) - cut]
    inside = [np.clip(one, kept[0], kept[-1]) for one in scores]
    # every run has one weight here, whatever its environment
    shares = np.array([len(one) for one in scores]) / len(kept)
    return _around(float(kept.mean()), _half_width(inside, shares, _kept(scores, runs, kept)))


def _kept(scores: Sequence[Series], runs: Series, kept: Series) -> Series:
    """Count the runs of each environment in the middle half; equal scores at its ends count in part."""
    values, inside = np.unique(kept, return_counts=True)
    everywhere = np.searchsorted(runs, values, side="right") - np.searchsorted(runs, values, side="left")
    parts = dict(zip(values.tolist(), (inside / everywhere).tolist(), strict=True))
    return np.array([sum(parts.get(score, 0.0) for score in one.tolist()) for one in scores])


def optimality_gap(scores: Sequence[Series]) -> Estimate:
    """Return how far scores are below 1 on average, where what is above 1 counts as 1 (Agarwal et al. 2021)."""
    mean, low, high = overall_mean([np.minimum(one, 1.0) for one in scores])
    return Estimate(1 - mean, 1 - high, 1 - low)


def profile(scores: Sequence[Series]) -> Profile:
    """Return the share of runs with a score above each of THRESHOLDS, the mean over environments.

    The band is that of Clopper and Pearson in each environment, so that it does not vanish where all runs agree.
    """
    above = [(one[:, None] > THRESHOLDS).sum(axis=0) for one in scores]
    shares = [count / len(one) for count, one in zip(above, scores, strict=True)]
    bounds = [clopper_pearson(count, len(one)) for count, one in zip(above, scores, strict=True)]
    return Profile(*mean_share(np.array(shares), *np.array(bounds).swapaxes(0, 1)))


def _half_width(scores: Sequence[Series], shares: Series | float, kept: Series) -> float:
    """Return half the width of the t interval of a weighted sum of means, by Welch's and Satterthwaite's freedom.

    Args:
        scores: of the runs of each environment; trimmed ones are set to the nearest that is not.
        shares: the weights of the means.
        kept: how many runs of each environment are not trimmed.
    """
    counts = np.array([len(one) for one in scores])
    if counts.min() < 2:
        return float("nan")
    freedom = np.maximum(kept - 1, 1)
    variances = np.array([one.var() for one in scores]) / counts * (freedom + 1) / freedom
    parts = shares**2 * variances
    if parts.sum() == 0:
        return 0.0
    together = parts.sum() ** 2 / (parts**2 / freedom).sum()
    return float(t_quantile(together) * np.sqrt(parts.sum()))


def _around(value: float, half: float) -> Estimate:
    return Estimate(value, value - half, value + half)
