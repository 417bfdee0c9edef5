"""The conventions by which final scores are reported, and the means of the scores with their intervals."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ddpg.record.series import Series
from ddpg.report.intervals import iqm, iqm_interval, mean_interval
from ddpg.report.metric import Metric
from ddpg.report.samples import Sample

#: The last values that are averaged, of evaluations and of training episodes.
EVALUATIONS = 10
TRAINING = 100


@dataclass(frozen=True)
class Score:
    """Final score of the seeds by one convention. The bounds of intervals are nan with fewer than ENOUGH seeds."""

    #: Tables are sorted by it: `last 10 evaluations` and, for shorter runs, `last 3 evaluations` have one rank.
    rank: int
    convention: str
    step: float
    mean: float
    low: float
    high: float
    std: float
    iqm: float
    iqm_low: float
    iqm_high: float


def max_of_mean(values: Series) -> int:
    """Return the place in n where the mean over seeds of [S, n] is largest, as in Fujimoto et al. 2018, Table 1."""
    return int(values.mean(axis=0).argmax())


def last_values(steps: Series) -> int:
    """Return how many last values are averaged: EVALUATIONS at most, and none of the untrained policy."""
    return min(EVALUATIONS, int((steps > 0).sum()))


def training_episodes(sample: Sample) -> int:
    """Return how many last training episodes of each run are averaged: as many as all runs have, TRAINING at most."""
    return min([TRAINING, *(len(values) for values in sample.episodes)])


def conventions(sample: Sample, metric: Metric) -> Iterator[tuple[int, str, float, Series]]:
    """Yield the rank, name, env step and values [S] of every convention that these runs allow.

    A metric that is no return has only conventions on its last values: the largest is not its best, and the returns of
    training episodes are another metric.
    """
    values = sample.values
    steps = sample.steps
    noun = metric.noun
    if len(steps) and not metric.of_episodes:
        yield 0, f"last {noun}", steps[-1], values[:, -1]
        count = last_values(steps)
        if count > 1:
            yield 1, f"last {count} {noun}s", steps[-1], values[:, -count:].mean(axis=1)
        if metric.is_return:
            best = max_of_mean(values)
            yield 2, f"max of the mean {noun}", steps[best], values[:, best]
    count = training_episodes(sample)
    if sample.episodes and count and (metric.is_return or metric.of_episodes):
        tail = np.array([values[-count:].mean() for values in sample.episodes])
        yield 3, f"last {count} training episode{'s' if count > 1 else ''}", sample.end, tail


def scores(sample: Sample, metric: Metric) -> list[Score]:
    """Compute the score by every convention that these runs allow."""
    return [_score(*convention) for convention in conventions(sample, metric)]


def _score(rank: int, convention: str, step: float, values: Series) -> Score:
    low, high = _bounds(mean_interval(values))
    iqm_low, iqm_high = _bounds(iqm_interval(values))
    return Score(
        rank=rank,
        convention=convention,
        step=float(step),
        mean=float(values.mean()),
        low=low,
        high=high,
        std=float(values.std()),
        iqm=float(iqm(values)),
        iqm_low=iqm_low,
        iqm_high=iqm_high,
    )


def _bounds(interval: Series | None) -> tuple[float, float]:
    return (np.nan, np.nan) if interval is None else (float(interval[0]), float(interval[1]))
