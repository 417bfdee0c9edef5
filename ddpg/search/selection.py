"""The winner's curse: how much better the best of many trials looks than it is, because it was chosen by its score."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ddpg.search.options import OverSeeds
from ddpg.search.score import AGGREGATES

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
    from scipy.stats import binom, t  # slow to import, and only intervals need it

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
    """Estimate by how much the score of the best trial exceeds what the same trial has on other seeds.

    The choice is made again without each seed, and looked at on the seed that is left out:

        sqrt((n - 1) / n) * mean over seeds k of (score of the best without k - score of that trial on k alone)

    The factor takes noise of n - 1 seeds to that of n. A seed that is easy for all trials, which have the same seeds,
    changes nothing, because it is left out once and counts in the other choices. Trials may have noise of different
    size, and scores an upper end. The estimate itself has much noise: half a standard deviation of a seed's, with
    three to five seeds.

    Args:
        trials: the scores of the seeds of each trial, equally many for each, in one order of the seeds.
        maximize: whether a large score is a good one.
        over_seeds: from the scores of the seeds to that of the trial.

    Returns:
        The mean excess, 0 where it is negative; None with fewer than two seeds or two trials, because noise is not
        known then.
    """
    scores = np.array(trials, dtype=float)
    if scores.ndim != 2 or min(scores.shape) < 2:
        return None
    sign = 1 if maximize else -1
    seeds = scores.shape[1]
    excess = [_excess(sign * scores, seed, over_seeds) for seed in range(seeds)]
    return max(0.0, math.sqrt((seeds - 1) / seeds) * float(np.mean(excess)))


def _excess(scores: np.ndarray, seed: int, over_seeds: OverSeeds) -> float:
    """Return by how much the best trial without a seed, by scores [trials, seeds], is better than on that seed."""
    without = AGGREGATES[over_seeds](np.delete(scores, seed, axis=1), axis=1)
    best = int(np.argmax(without))
    return float(without[best] - scores[best, seed])
