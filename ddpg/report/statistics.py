"""Interquartile means with bootstrap intervals, and the conventions by which final scores are reported."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ddpg.record.series import Series
from ddpg.report.metric import Metric
from ddpg.report.samples import Sample

#: With fewer seeds than this no interval is claimed.
ENOUGH = 3
#: The last values that are averaged, of evaluations and of training episodes.
EVALUATIONS = 10
TRAINING = 100
#: Percentiles of the resampled means that bound a 95 % interval.
INTERVAL = (2.5, 97.5)


@dataclass(frozen=True)
class Score:
    """Final score of the seeds by one convention. `low` and `high` are nan with fewer than ENOUGH seeds."""

    #: Tables are sorted by it: `last 10 evaluations` and, for shorter runs, `last 3 evaluations` have one rank.
    rank: int
    convention: str
    step: float
    iqm: float
    low: float
    high: float
    mean: float
    std: float


def iqm(values: Series) -> Series:
    """Compute the interquartile mean over the seeds, [S, ...] -> [...].

    It is the mean of the middle half (Agarwal et al. 2021); with fewer than 4 seeds it is the mean of all.
    """
    cut = len(values) // 4
    return np.asarray(np.sort(values, axis=0)[cut : len(values) - cut].mean(axis=0))


def max_of_mean(values: Series) -> int:
    """Return the place in n where the mean over seeds of [S, n] is largest, as in Fujimoto et al. 2018, Table 1."""
    return int(values.mean(axis=0).argmax())


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
        count = min(EVALUATIONS, len(steps))
        if count > 1:
            yield 1, f"last {count} {noun}s", steps[-1], values[:, -count:].mean(axis=1)
        if metric.is_return:
            best = max_of_mean(values)
            yield 2, f"max of the mean {noun}", steps[best], values[:, best]
    count = min([TRAINING, *(len(values) for values in sample.episodes)])
    if sample.episodes and count and (metric.is_return or metric.of_episodes):
        tail = np.array([values[-count:].mean() for values in sample.episodes])
        yield 3, f"last {count} training episode{'s' if count > 1 else ''}", sample.end, tail


class Estimates:
    """Final scores with 95 % intervals from `reps` bootstrap samples; equal data give equal intervals."""

    def __init__(self, reps: int) -> None:
        self.reps = reps

    def scores(self, sample: Sample, metric: Metric) -> list[Score]:
        """Compute the score by every convention that these runs allow."""
        return [self._score(*convention) for convention in conventions(sample, metric)]

    def interval(self, values: Series) -> Series | None:
        """Bound the interquartile mean by a percentile bootstrap, [S, n] -> [2, n]; None with fewer than ENOUGH seeds.

        A resample takes seeds with all of their values: if seeds were drawn anew at every step, the bounds of a curve
        would jitter.
        """
        seeds = len(values)
        if seeds < ENOUGH:
            return None
        generator = np.random.RandomState(0)  # numpy guarantees its stream: the same data give the same report
        resamples = generator.randint(seeds, size=(self.reps, seeds))
        means = np.array([iqm(values[drawn]) for drawn in resamples])
        return np.asarray(np.percentile(means, INTERVAL, axis=0))

    def _score(self, rank: int, convention: str, step: float, values: Series) -> Score:
        bounds = self.interval(values[:, None])
        low, high = (np.nan, np.nan) if bounds is None else bounds[:, 0]
        return Score(
            rank=rank,
            convention=convention,
            step=float(step),
            iqm=float(iqm(values)),
            low=float(low),
            high=float(high),
            mean=float(values.mean()),
            std=float(values.std()),
        )
