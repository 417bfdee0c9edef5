"""Statements about single runs: how many solve the task, and where the next one will land."""

from typing import NamedTuple

import numpy as np

from ddpg.record.series import Series
from ddpg.report.compare.shares import clopper_pearson
from ddpg.report.intervals import LEVEL, t_quantile

#: With so many runs the next one is between two of them in 95 % of cases, for any distribution: 2 / (n + 1) <= 0.05.
FREE = 39


class Rate(NamedTuple):
    """A share of runs, with the 95 % interval of Clopper and Pearson."""

    solved: int
    runs: int
    low: float
    high: float


class NextRun(NamedTuple):
    """Where the next run of a configuration will be in 95 % of cases, or as `share` says."""

    low: float
    high: float
    share: float
    #: Whether that holds for any distribution; otherwise it assumes normal scores.
    for_any_distribution: bool


def solved_rate(solved: int, runs: int) -> Rate:
    """Bound the share of runs that solve the task."""
    low, high = clopper_pearson(solved, runs)
    return Rate(solved, runs, float(low), float(high))


def unseen_failures(runs: int) -> float:
    """Return the failure rate that so many runs would not show in 1 of 20 cases: (1 - rate)^runs = 0.05."""
    return float(1 - (1 - LEVEL) ** (1 / runs))


def between_extremes(scores: Series) -> NextRun:
    """Return the smallest and the largest score: the next run is between them in (n - 1) / (n + 1) of cases.

    That holds for any continuous distribution, because each of n + 1 runs is equally likely to be the largest.
    """
    runs = len(scores)
    return NextRun(float(scores.min()), float(scores.max()), (runs - 1) / (runs + 1), True)


def next_run(scores: Series) -> NextRun | None:
    """Return where the next run will be in 95 % of cases: between two of the scores where there are 39 or more.

    With fewer seeds no interval can promise that for any distribution, and this one assumes a normal one:

        mean ± t_(n - 1) s sqrt(1 + 1 / n)

    None with a single run.
    """
    runs = len(scores)
    if runs < 2:
        return None
    left_out = int(np.floor((1 - LEVEL) / 2 * (runs + 1) + 1e-9))
    if left_out > 0:
        ordered = np.sort(scores)
        share = (runs + 1 - 2 * left_out) / (runs + 1)
        return NextRun(float(ordered[left_out - 1]), float(ordered[-left_out]), share, True)
    half = float(t_quantile(runs - 1) * scores.std(ddof=1) * np.sqrt(1 + 1 / runs))
    return NextRun(float(scores.mean()) - half, float(scores.mean()) + half, LEVEL, False)
