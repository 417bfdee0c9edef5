"""Interquartile means with bootstrap intervals, and the conventions by which final scores are reported."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
from rliable import library

from ddpg.plot import Series
from ddpg.report.samples import Sample

#: With fewer seeds than this no interval is claimed.
ENOUGH = 3
EVALUATIONS, TRAINING = 10, 100


@dataclass(frozen=True)
class Score:
    """Final scores of the seeds by one convention. `low` and `high` are nan with fewer than ENOUGH seeds."""

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


def conventions(sample: Sample, noun: str) -> Iterator[tuple[str, float, Series]]:
    """Name, env step and a value for each seed [S]; what cannot be had from these runs is left out."""
    values, steps = sample.values, sample.steps
    count = min(EVALUATIONS, len(steps))
    best = max_of_mean(values)
    yield f"last {noun}", steps[-1], values[:, -1]
    if count > 1:
        yield f"last {count} {noun}s", steps[-1], values[:, -count:].mean(axis=1)
    yield f"max of the mean {noun}", steps[best], values[:, best]
    count = min([TRAINING, *(len(returns) for returns in sample.episodes)])
    if count:
        tail = np.array([returns[-count:].mean() for returns in sample.episodes])
        yield f"last {count} training episode{'s' if count > 1 else ''}", steps[-1], tail


class Estimates:
    """95 % intervals from rliable's stratified bootstrap of `reps` samples; the same for the same data."""

    def __init__(self, reps: int) -> None:
        self.reps = reps

    def scores(self, sample: Sample, noun: str) -> list[Score]:
        """By every convention; none if the seeds share no step."""
        if not len(sample.steps):
            return []
        return [self._score(name, step, values) for name, step, values in conventions(sample, noun)]

    def interval(self, values: Series) -> Series | None:
        """Bounds of the interquartile mean, [S, n] -> [2, n]; None with fewer than ENOUGH seeds."""
        if len(values) < ENOUGH:
            return None
        over_seeds: Callable[[Series], Series] = lambda scores: iqm(scores[:, 0])  # noqa: E731
        with _seeded():
            bounds = library.get_interval_estimates({"": values[:, None, :]}, over_seeds, reps=self.reps)[1]
        return np.asarray(bounds[""])

    def _score(self, convention: str, step: float, values: Series) -> Score:
        bounds = self.interval(values[:, None])
        low, high = (np.nan, np.nan) if bounds is None else bounds[:, 0]
        return Score(
            convention, float(step), float(iqm(values)), float(low), float(high), float(values.mean()),
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
