"""The winner's curse: how much better the best of many trials looks than it is, because it was chosen by its score."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import binom, t

from ddpg.search.options import OverSeeds
from ddpg.search.score import AGGREGATES

#: Studies that are drawn to see how much a choice flatters.
DRAWS = 2000
LEVEL = 0.95


class Interval(NamedTuple):
    """A score over some seeds and its 95 % interval; low and high are None where there is none."""

    score: float
    low: float | None
    high: float | None


def interval(scores: Sequence[float], over_seeds: OverSeeds) -> Interval:
    """Return the aggregate of the scores of some seeds with a 95 % interval.

    Of a mean it is Student's, of a median that between two of the scores, which the binomial distribution gives:
    three seeds or five are too few for it. A minimum and a maximum have none.
    """
    score = float(AGGREGATES[over_seeds](scores))
    if over_seeds == "mean" and len(scores) > 1:
        half = float(t.ppf((1 + LEVEL) / 2, len(scores) - 1) * np.std(scores, ddof=1) / math.sqrt(len(scores)))
        return Interval(score, score - half, score + half)
    below = int(binom.ppf((1 - LEVEL) / 2, len(scores), 0.5)) - 1  # scores outside the interval, on each side
    if over_seeds == "median" and below >= 0:
        ordered = sorted(scores)
        return Interval(score, ordered[below], ordered[-1 - below])
    return Interval(score, None, None)


def optimism(trials: Sequence[Sequence[float]], maximize: bool, over_seeds: OverSeeds = "mean") -> float | None:
    """Return by how much the score of the best trial is expected to exceed what the same trial has on other seeds.

    Trials are drawn again: the true score of each is its score, drawn towards the mean of all by as much as the noise
    of seeds has spread them (v is the variance of a trial's score by noise alone, V the variance of the scores):

        true_i = m + sqrt(max(0, 1 - v / V)) (score_i - m),    drawn_i = true_i + aggregate of n residuals

    All trials have the same seeds, and a seed that is easy for all of them flatters none before the others. So a
    residual is what is left of a score without the mean of its trial and that of its seed. The residuals are those of
    all trials, because three seeds say too little about the noise of one. Of each draw the best score is taken; its
    excess over its true score is the optimism.

    Args:
        trials: the scores of the seeds of each trial, equally many for each, in one order of the seeds.
        maximize: whether a large score is a good one.
        over_seeds: from the scores of the seeds to that of the trial.

    Returns:
        The mean excess, positive; None with fewer than two seeds or two trials, because noise is not known then.
    """
    scores = np.array(trials, dtype=float)
    if scores.ndim != 2 or min(scores.shape) < 2:
        return None
    noises = np.random.default_rng(0).choice(_residuals(scores).ravel(), size=(DRAWS, *scores.shape))
    drawn = AGGREGATES[over_seeds](noises, axis=2)
    noise = drawn - drawn.mean()
    found = AGGREGATES[over_seeds](scores, axis=1)
    spread = float(found.var(ddof=1))
    share = max(0.0, 1 - float(noise.var()) / spread) if spread > 0 else 0.0
    true = found.mean() + math.sqrt(share) * (found - found.mean())
    sign = 1 if maximize else -1
    best = np.argmax(sign * (true + noise), axis=1)
    return float(sign * noise[np.arange(DRAWS), best].mean())


def _residuals(scores: np.ndarray) -> np.ndarray:
    """Return what neither the trial nor the seed explains, [trials, seeds], with the variance of the noise."""
    trials, seeds = scores.shape
    explained = scores.mean(axis=1, keepdims=True) + scores.mean(axis=0, keepdims=True) - scores.mean()
    return (scores - explained) * math.sqrt(scores.size / ((trials - 1) * (seeds - 1)))
