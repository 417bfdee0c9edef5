"""Interquartile means with bootstrap intervals, and the conventions by which final scores are reported."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rliable import library

from ddpg.record.plot import Series
from ddpg.report.metric import Metric
from ddpg.report.samples import Sample

#: With fewer seeds than this no interval is claimed.
ENOUGH = 3
EVALUATIONS, TRAINING = 10, 100


@dataclass(frozen=True)
class Score:
    """Final scores of the seeds by one convention. `low` and `high` are nan with fewer than ENOUGH seeds."""

    #: By which tables are sorted: the same for `last 10 evaluations` and, of a shorter run, `last 3 evaluations`.
    rank: int
    convention: str
    step: float
    iqm: float
    low: float
    high: float
    mean: float
    std: float


def iqm(values: Series) -> Series:
    """Mean of the middle half of the seeds, [S, ...] -> [...]; with fewer than 4 it is the mean of all.

    rliable.metrics.aggregate_iqm of every column, for all of them at once.
    """
    cut = len(values) // 4
    return np.asarray(np.sort(values, axis=0)[cut : len(values) - cut].mean(axis=0))


def max_of_mean(values: Series) -> int:
    """Where the mean over seeds is largest, [S, n] -> place in n: TD3's tables (Fujimoto et al. 2018, Table 1)."""
    return int(values.mean(axis=0).argmax())


def conventions(sample: Sample, metric: Metric) -> Iterator[tuple[int, str, float, Series]]:
    """Rank, name, env step and a value for each seed [S]; what cannot be had from these runs is left out.

    Of a metric that is no return only its last values are told: the largest is not its best, and returns of training
    episodes are another metric.
    """
    values, steps, noun = sample.values, sample.steps, metric.noun
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
    """95 % intervals from rliable's stratified bootstrap of `reps` samples; the same for the same data."""

    def __init__(self, reps: int) -> None:
        self.reps = reps

    def scores(self, sample: Sample, metric: Metric) -> list[Score]:
        """By every convention that these runs allow."""
        return [self._score(*convention) for convention in conventions(sample, metric)]

    def interval(self, values: Series) -> Series | None:
        """Bounds of the interquartile mean, [S, n] -> [2, n]; None with fewer than ENOUGH seeds.

        A resample takes seeds with all of their values, so rliable is given the seeds' places alone: of an array of
        values it would draw seeds anew at every step, and the bounds of a curve would jitter.
        """
        if len(values) < ENOUGH:
            return None
        places = np.arange(len(values))[:, None]
        over_seeds: Callable[[NDArray[np.int64]], Series] = lambda drawn: iqm(values[drawn[:, 0]])  # noqa: E731
        with _seeded():
            bounds = library.get_interval_estimates({"": places}, over_seeds, reps=self.reps)[1]
        return np.asarray(bounds[""])

    def _score(self, rank: int, convention: str, step: float, values: Series) -> Score:
        bounds = self.interval(values[:, None])
        low, high = (np.nan, np.nan) if bounds is None else bounds[:, 0]
        return Score(
            rank, convention, float(step), float(iqm(values)), float(low), float(high), float(values.mean()),
            float(values.std()),
        )  # fmt: skip


@contextmanager
def _seeded() -> Iterator[None]:
    """Numpy's global generator, which rliable 1.2 draws from whatever random_state it is given, begins at 0."""
    before = np.random.get_state()
    np.random.seed(0)
    try:
        yield
    finally:
        np.random.set_state(before)
