"""Which runs count, and up to where: from the data frame to the values that are compared."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ddpg.record.plot import Series, moving_mean, short_number
from ddpg.report.metric import EPISODES, Metric
from ddpg.report.selection import OneRun, count, different_lengths, explained, finished_step, one_for_each_seed

#: A metric of training episodes is put on a grid of POINTS steps, at each the mean of the last WINDOW episodes.
POINTS, WINDOW = 100, 100


@dataclass(frozen=True)
class Unfinished:
    """A run that is left out, for it has not reached the step up to which its configuration is compared."""

    seed: int
    state: str
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
    #: Length S: of each run's training episodes up to `end` the returns, or the metric if it is one of episodes.
    episodes: tuple[Series, ...]
    #: The env step up to which all seeds have come, and no further than they are compared.
    end: float
    unfinished: tuple[Unfinished, ...] = ()
    #: The different values of eval.episodes.
    eval_episodes: tuple[int, ...] = ()
    #: What the labels of the environment do not tell, as all configurations but one have it.
    shared: str = ""
    #: What a reader must know of the choice, a sentence each.
    notes: tuple[str, ...] = ()

    @property
    def started(self) -> int:
        """How many seeds there are, with those that are left out."""
        return len(self.seeds) + len(self.unfinished)

    @property
    def failed(self) -> int:
        return sum(run.state == "failed" for run in self.unfinished)


def samples(frame: pd.DataFrame, metric: Metric) -> list[Sample]:
    """One for each configuration, by environment.

    Those runs count that have reached the largest step that at least half of the configuration's seeds have finished
    (or, if there is none, the one that most have finished). If no run has finished, all count, as far as they share.
    """
    groups = frame.groupby(["environment", "configuration"], sort=True)
    return [_sample(str(environment), str(label), part, metric) for (environment, label), part in groups]


def _sample(environment: str, label: str, part: pd.DataFrame, metric: Metric) -> Sample:
    runs, notes = one_for_each_seed([_run(rows, metric) for _, rows in part.groupby("run", sort=False)])
    measured = [run for run in runs if len(run.metric)]
    target = finished_step(measured, len(runs))
    counted = [run for run in measured if target is None or run.has_reached(target)]
    others = [run for run in runs if run not in counted]
    end = min([np.inf if target is None else target, *(run.reached for run in counted)]) if counted else -1.0
    notes += explained(runs, counted, target)
    table, thinned = _shared(counted, target, end, metric)
    episodes = [run.metric if metric.of_episodes else run.episodes for run in counted]
    return Sample(
        environment, label, tuple(run.seed for run in counted), table.index.to_numpy(dtype=np.float64),
        table.to_numpy(dtype=np.float64).T,
        tuple(one[one.index <= end].to_numpy(dtype=np.float64) for one in episodes), end,
        tuple(_unfinished(run, metric) for run in others), tuple(sorted({run.eval_episodes for run in counted})),
        str(part["shared"].iloc[0]),
        (*notes, *thinned, *(different_lengths(counted) if metric.of_evaluations else ())),
    )  # fmt: skip


def _run(rows: pd.DataFrame, metric: Metric) -> OneRun:
    first = rows.iloc[0]
    by_step = rows[rows["env_step"].notna()].set_index("env_step").sort_index(kind="stable")
    values = by_step[metric.name].dropna()
    return OneRun(
        int(first["seed"]), str(first["state"]), int(first["done_step"]), int(first["total_steps"]),
        int(first["eval_episodes"]), values[~values.index.duplicated(keep="last")], by_step[EPISODES].dropna(),
    )  # fmt: skip


def _shared(
    counted: Sequence[OneRun], target: float | None, end: float, metric: Metric
) -> tuple[pd.DataFrame, list[str]]:
    """A column of values for each run at the steps that all have, and what was lost by that."""
    if not counted:
        return pd.DataFrame(), []
    whole = [run.metric if target is None else run.metric[run.metric.index <= target] for run in counted]
    columns = [_on_grid(one, end) for one in whole] if metric.of_episodes else whole
    table = pd.concat(columns, axis=1, join="inner").sort_index()
    if table.empty:
        return table, ["not compared: there is no step at which all its seeds have a finite value"]
    last, notes = float(table.index[-1]), []
    if last < max(one.index[-1] for one in whole if len(one)):
        notes.append(f"compared up to step {short_number(last)}, the last one where all its seeds have a finite value")
    steps = {step for one in columns for step in one.index if step <= last}
    if len(table) < len(steps) and not metric.of_episodes:
        kind = "evaluation steps" if metric.of_evaluations else "steps"
        notes.append(f"compared at {len(table)} of {count(len(steps), kind)}, those that all seeds have")
    return table, notes


def _on_grid(episodes: pd.Series, end: float) -> pd.Series:
    """Mean of the last WINDOW episodes that had ended, at POINTS evenly spaced steps up to `end`; none before one."""
    grid = end * np.arange(1, POINTS + 1) / POINTS
    ended = np.searchsorted(episodes.index.to_numpy(dtype=np.float64), grid, side="right")
    grid, ended = grid[ended > 0], ended[ended > 0]
    return pd.Series(moving_mean(episodes.to_numpy(dtype=np.float64), WINDOW)[ended - 1], index=grid)


def _unfinished(run: OneRun, metric: Metric) -> Unfinished:
    shown = _on_grid(run.metric, run.reached) if metric.of_episodes and len(run.metric) else run.metric
    return Unfinished(run.seed, run.state, shown.index.to_numpy(dtype=np.float64), shown.to_numpy(dtype=np.float64))
