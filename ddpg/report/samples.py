"""Which runs count, and up to where: from the data frame to the returns that are compared."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from ddpg.plot import Series, short_number
from ddpg.report.reading import EPISODES


@dataclass(frozen=True)
class Unfinished:
    """A run that is left out, for it has not reached the last step of its configuration."""

    seed: int
    steps: Series
    values: Series


@dataclass(frozen=True, eq=False)
class Sample:
    """The seeds of a configuration that count, at the steps that all of them have."""

    environment: str
    configuration: str
    #: Length S, ascending.
    seeds: tuple[int, ...]
    #: [n] env steps.
    steps: Series
    #: [S, n] the metric.
    values: Series
    #: Length S: the returns of each run's training episodes up to steps[-1].
    episodes: tuple[Series, ...]
    unfinished: tuple[Unfinished, ...] = ()
    #: What a reader must know of the choice, a sentence each.
    notes: tuple[str, ...] = ()


@dataclass
class _Run:
    seed: int
    state: str
    done_step: int
    total_steps: int
    metric: pd.Series
    episodes: pd.Series
    notes: list[str] = field(default_factory=list)

    @property
    def last(self) -> float:
        return float(self.metric.index[-1]) if len(self.metric) else -1.0

    def where(self) -> str:
        return f"seed {self.seed} ({self.state} at {short_number(max(self.last, self.done_step, 0))})"


def samples(frame: pd.DataFrame, metric: str) -> list[Sample]:
    """One for each configuration, by environment.

    Those runs count that have reached the configuration's last step (the largest total_steps of its runs). If none
    has, all count, up to the last step that they share.
    """
    groups = frame.groupby(["environment", "configuration"], sort=True)
    return [_sample(str(environment), str(label), part, metric) for (environment, label), part in groups]


def _sample(environment: str, label: str, part: pd.DataFrame, metric: str) -> Sample:
    runs, notes = _one_for_each_seed([_run(rows, metric) for _, rows in part.groupby("run", sort=False)])
    target = max(run.total_steps for run in runs)
    finished = [run for run in runs if run.state == "done" and run.done_step >= target and len(run.metric)]
    counted = finished or [run for run in runs if len(run.metric)]
    others = [run for run in runs if run not in counted]
    notes += _explained(len(finished), target, runs, others)
    table = pd.concat([run.metric for run in counted], axis=1, join="inner").sort_index() if counted else pd.DataFrame()
    steps = table.index.to_numpy(dtype=np.float64)
    last = steps[-1] if len(steps) else -1.0
    furthest = max((run.last for run in counted), default=-1.0)
    if last < furthest:
        where = f"compared up to step {short_number(last)}" if len(steps) else "not compared: there is no such step"
        notes.append(f"{where}, the last one where all its seeds have a finite value")
    return Sample(
        environment, label, tuple(run.seed for run in counted), steps, table.to_numpy(dtype=np.float64).T,
        tuple(run.episodes[run.episodes.index <= last].to_numpy(dtype=np.float64) for run in counted),
        tuple(Unfinished(r.seed, r.metric.index.to_numpy(dtype=np.float64), r.metric.to_numpy()) for r in others),
        tuple(notes),
    )  # fmt: skip


def _run(rows: pd.DataFrame, metric: str) -> _Run:
    first = rows.iloc[0]
    by_step = rows.set_index("env_step")
    values = by_step[metric].dropna()
    return _Run(
        int(first["seed"]), str(first["state"]), int(first["done_step"]), int(first["total_steps"]),
        values[~values.index.duplicated(keep="last")], by_step[EPISODES].dropna(),
    )  # fmt: skip


def _one_for_each_seed(runs: Sequence[_Run]) -> tuple[list[_Run], list[str]]:
    """A seed that was run again is no second sample: the run that came furthest counts."""
    best: dict[int, _Run] = {}
    for run in runs:
        other = best.get(run.seed)
        if other is None or (run.done_step, run.last) > (other.done_step, other.last):
            best[run.seed] = run
    twice = [seed for seed in best if sum(run.seed == seed for run in runs) > 1]
    notes = [f"seed {seed} was run more than once: the run that came furthest counts" for seed in sorted(twice)]
    return [best[seed] for seed in sorted(best)], notes


def _explained(finished: int, target: int, runs: Sequence[_Run], others: Sequence[_Run]) -> list[str]:
    if finished == len(runs):
        return []
    told = f"{finished} of {len(runs)} seeds reached the last step, {short_number(target)}"
    if finished:
        return [f"{told}; left out: {', '.join(run.where() for run in others)}"]
    notes = [f"{told}, so all are compared as far as they have come: {', '.join(run.where() for run in runs)}"]
    return notes + [f"nothing to compare yet of seed {run.seed}" for run in others]
