"""Final scores of the seeds of a row by each convention, with intervals, and what they say of the published score."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ddpg.record.series import Series, series
from ddpg.report.intervals import ENOUGH, mean_interval
from ddpg.report.kept import read_rows
from ddpg.report.statistics import EVALUATIONS, TRAINING, max_of_mean
from reproduce.pace import undisturbed_speed
from reproduce.plan import Convention, Published, Row
from reproduce.record import PROVENANCE

#: Standard deviations on either side that hold 95 % of a normal distribution.
NORMAL_95 = 1.96
#: A mean so many published standard deviations away from the published one is to be looked into.
FAR = 2


@dataclass(frozen=True, eq=False)
class Record:
    """One seed: returns of its evaluations [n] and of its training episodes [m], and its provenance.

    `episode_ends` [m] are the env steps at which the training episodes ended, `speed` is in env steps a second, in the
    fastest tenth of the run.
    """

    evaluations: Series
    episodes: Series
    episode_ends: Series
    speed: float | None
    about: Mapping[str, Any]


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds; `low` and `high` bound its 95 % interval and are nan with fewer than ENOUGH seeds."""

    mean: float
    low: float
    high: float
    seeds: int


def read(folder: Path) -> Record:
    """Reads the record of one run."""
    rows = read_rows(folder)
    _, evaluations = series(rows, "eval/episodic_return")
    ends, episodes = series(rows, "charts/episodic_return")
    about = json.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
    return Record(evaluations, episodes, ends, undisturbed_speed(rows), about)


def read_all(records: Path) -> dict[str, Record]:
    """Reads every record by its name, which does not begin with a dot: that is one half written."""
    return {path.name: read(path) for path in sorted(records.glob("[!.]*")) if path.is_dir()}


def seeds_of(row: Row, records: Mapping[str, Record]) -> dict[int, Record]:
    """Return the records of a row by seed."""
    ends = {name: name.removeprefix(f"{row.name}_") for name in records}
    seeds = {int(end): name for name, end in ends.items() if end != name and end.isdigit()}
    return {seed: records[seeds[seed]] for seed in sorted(seeds)}


def curves(records: Sequence[Record], convention: Convention) -> Series:
    """What a convention averages over seeds, [S, n]: the score is the largest of the n means, n = 1 but for `max`.

    A seed that diverged keeps its last evaluation to the end.
    """
    if convention == "training":
        return np.array([[one.episodes[-TRAINING:].mean()] for one in records])
    longest = max(len(one.evaluations) for one in records)
    values = np.array([np.pad(one.evaluations, (0, longest - len(one.evaluations)), mode="edge") for one in records])
    if convention == "max":
        return values
    return values[:, -(1 if convention == "last" else EVALUATIONS) :].mean(axis=1, keepdims=True)


def estimate(records: Sequence[Record], convention: Convention) -> Estimate:
    """Mean over seeds, where it is largest, and its Student's t interval there."""
    values = curves(records, convention)
    best = max_of_mean(values)
    bounds = mean_interval(values[:, best])
    low, high = (math.nan, math.nan) if bounds is None else map(float, bounds)
    return Estimate(float(values[:, best].mean()), low, high, len(values))


def published_deviation(row: Row, score: Published) -> float | None:
    """Standard deviation over the published seeds; None where it is not published."""
    if score.spread is None or row.published_seeds is None:
        return None
    return score.spread * (math.sqrt(row.published_seeds) if row.kind_of_spread == "standard error" else 1)


def published_interval(row: Row, score: Published) -> tuple[float, float]:
    """95 % interval of the published mean, by the normal distribution; of no width where no spread is published."""
    deviation = published_deviation(row, score)
    half = score.read_off or 0.0
    if deviation is not None and row.published_seeds is not None:
        half = NORMAL_95 * deviation / math.sqrt(row.published_seeds)
    return score.value - half, score.value + half


def verdict(row: Row, score: Published, here: Estimate | None) -> str:
    """Met, above, missed by how much, or that it cannot be told yet."""
    seeds = here.seeds if here else 0
    needed = max(row.seeds, ENOUGH)
    text = f"cannot be told yet: {seeds} of {needed} seeds"
    if here is None:
        return text
    distance = here.mean - score.value
    if seeds >= needed:
        low, high = published_interval(row, score)
        amount = f"by {abs(distance):.0f} ({abs(distance / score.value):.0%})"
        text = f"missed {amount}" if here.high < low else f"above {amount}" if here.low > high else "met"
    deviation = published_deviation(row, score)
    is_far = deviation is not None and abs(distance) > FAR * deviation
    return text + (f"; more than {FAR} published deviations away" if is_far else "")
