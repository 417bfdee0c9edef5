"""The records of runs, and the final scores of the seeds of a row by each convention, with intervals."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ddpg.record.run_folder import read_yaml
from ddpg.record.series import Series, series
from ddpg.report.intervals import mean_interval
from ddpg.report.kept import read_rows
from ddpg.report.statistics import EVALUATIONS, TRAINING, max_of_mean
from reproduce.pace import undisturbed_speed
from reproduce.plan import Row
from reproduce.published import Convention
from reproduce.record import CONFIG, PROVENANCE


@dataclass(frozen=True, eq=False)
class Record:
    """One seed: returns of its evaluations [n] and of its training episodes [m], its config and its provenance.

    `evaluation_steps` [n] are env steps, `episode_ends` [m] those at which the training episodes ended; `speed` is in
    env steps a second, in the fastest tenth of the run.
    """

    evaluation_steps: Series
    evaluations: Series
    episode_ends: Series
    episodes: Series
    speed: float | None
    config: Mapping[str, Any]
    about: Mapping[str, Any]


#: Records by the names of their runs.
Records = Mapping[str, Record]


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
    steps, evaluations = series(rows, "eval/episodic_return")
    ends, episodes = series(rows, "charts/episodic_return")
    about = json.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
    return Record(steps, evaluations, ends, episodes, undisturbed_speed(rows), read_yaml(folder / CONFIG), about)


def read_all(records: Path) -> dict[str, Record]:
    """Reads every record by its name, which does not begin with a dot: that is one half written."""
    return {path.name: read(path) for path in sorted(records.glob("[!.]*")) if path.is_dir()}


def seeds_of(row: Row, records: Records) -> dict[int, Record]:
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


def final_scores(records: Sequence[Record], convention: Convention) -> Series:
    """The score of each seed, [S], where their mean is largest."""
    values = curves(records, convention)
    return np.asarray(values[:, max_of_mean(values)])


def estimate(records: Sequence[Record], convention: Convention) -> Estimate:
    """Mean of the final scores and its Student's t interval."""
    values = final_scores(records, convention)
    bounds = mean_interval(values)
    low, high = (math.nan, math.nan) if bounds is None else map(float, bounds)
    return Estimate(float(values.mean()), low, high, len(values))
