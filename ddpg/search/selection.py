"""The winner's curse: how much better the best of many trials looks than it is, because it was chosen by its score."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import t

#: Studies that are drawn to see how much a choice flatters.
DRAWS = 2000


class Interval(NamedTuple):
    """A mean and its 95 % interval."""

    mean: float
    low: float
    high: float


def t_interval(scores: Sequence[float]) -> Interval:
    """Return the mean of scores with Student's 95 % interval; the interval is infinite with a single score."""
    mean = float(np.mean(scores))
    if len(scores) < 2:
        return Interval(mean, -math.inf, math.inf)
    half = float(t.ppf(0.975, len(scores) - 1) * np.std(scores, ddof=1) / math.sqrt(len(scores)))
    return Interval(mean, mean - half, mean + half)


def optimism(trials: Sequence[Sequence[float]], maximize: bool) -> float | None:
    """Return by how much the score of the best trial is expected to exceed what the same trial has on other seeds.

    Trials are drawn again: the true score of each is its mean, drawn towards the mean of all by as much as the noise
    of seeds has spread them (v is the mean variance of a trial's mean, V the variance of the means):

        true_i = m + sqrt(max(0, 1 - v / V)) (mean_i - m),    score_i = true_i + mean of n residuals

    The residuals are those of all trials, because three seeds say too little about the noise of one. Of each draw the
    best score is taken; its excess over its true score is the optimism.

    Args:
        trials: the scores of the seeds of each trial, equally many for each.
        maximize: whether a large score is a good one.

    Returns:
        The mean excess, positive; None with fewer than two seeds or two trials, because noise is not known then.
    """
    scores = np.array(trials, dtype=float) * (1 if maximize else -1)
    if scores.ndim != 2 or min(scores.shape) < 2:
        return None
    seeds = scores.shape[1]
    means = scores.mean(axis=1)
    residuals = (scores - means[:, None]) * math.sqrt(seeds / (seeds - 1))
    noise = float((residuals**2).mean()) / seeds
    spread = float(means.var(ddof=1))
    share = max(0.0, 1 - noise / spread) if spread > 0 else 0.0
    true = means.mean() + math.sqrt(share) * (means - means.mean())
    rng = np.random.default_rng(0)
    drawn = rng.choice(residuals.ravel(), size=(DRAWS, *residuals.shape)).mean(axis=2)
    best = np.argmax(true + drawn, axis=1)
    return float(drawn[np.arange(DRAWS), best].mean())
