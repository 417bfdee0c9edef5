"""From the records of a trial's runs to its score, and to its score so far at each evaluation."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ddpg.config.spelling import nearest
from ddpg.errors import UserError
from ddpg.record.tracking.metrics import read_metrics
from ddpg.search.options import OverSeeds, StudyOptions
from ddpg.search.trials import Trial
from ddpg.sweep.state.summary import summarize

#: The metrics that only evaluations have begin so.
OF_EVALUATIONS = "eval/"
#: How the names of those begin that an evaluation has only if the environment has said them in one of its episodes.
OF_SOME_EVALUATIONS = "eval/info/"
#: From the scores of the runs to that of the trial.
AGGREGATES: dict[OverSeeds, Callable[..., Any]] = {"mean": np.mean, "median": np.median, "min": np.min, "max": np.max}
#: The values of a metric by env step, without that before learning.
Curve = dict[int, float]


class RunSoFar(NamedTuple):
    """A run as the score of its trial so far needs it.

    Args:
        curve: the values that it has logged.
        total_steps: the env steps that it is to take.
        is_done: whether it has taken them; its metric need not have a value at the last one.
    """

    curve: Curve
    total_steps: int
    is_done: bool


def read_curve(run: Path, metric: str, after: int = 0) -> Curve:
    """Return the values of a metric in a run's record after an env step; null is NaN, and a torn last line is left out.

    Only lines that have the metric are parsed, because a worker asks after each evaluation.
    """
    wanted = json.dumps(metric).encode() + b":"
    try:
        lines = (run / "metrics.jsonl").read_bytes().split(b"\n")[:-1]
    except FileNotFoundError:
        return {}
    curve: Curve = {}
    for line in lines:
        if wanted in line:
            try:
                row = json.loads(line)
            except ValueError:  # a kill cut it, and the run's next start cuts it away
                continue
            curve[row["env_step"]] = math.nan if row[metric] is None else float(row[metric])
    return {step: value for step, value in curve.items() if step > after}


def run_score(curve: Curve, last: int) -> float:
    """Return the mean of the last values of a curve, which is not empty."""
    return float(np.mean(list(curve.values())[-last:]))


def trial_score(curves: Sequence[Curve], options: StudyOptions) -> float:
    """Return the score of a trial from the whole curves of its runs; NaN if one of them ends in NaN."""
    return float(AGGREGATES[options.over_seeds]([run_score(curve, options.last) for curve in curves]))


def worst_score(trials: Mapping[int, Trial], options: StudyOptions) -> float | None:
    """Return the worst score of the trials that have ended, or None if none has one."""
    scores = [trial.score for trial in trials.values() if trial.score is not None]
    return (min if options.direction == "maximize" else max)(scores, default=None)


def lacks_metric(run: Path, metric: str, after: int) -> bool:
    """Whether a run has no value of a metric after an env step and will get none.

    It is done, or the metric is one of every evaluation and there was one without it.
    """
    is_of_each = metric.startswith(OF_EVALUATIONS) and not metric.startswith(OF_SOME_EVALUATIONS)
    # asked before the values, which may come meanwhile
    is_late = (is_of_each and _is_evaluated(run, after)) or summarize(run).state == "done"
    return is_late and not read_curve(run, metric, after)


def require_metric(run: Path, metric: str, after: int) -> None:
    """Raise UserError if a run will not log a metric after an env step, with the nearest one that it logs."""
    if lacks_metric(run, metric, after):
        near = nearest(metric, _logged(run, after), most=40)
        raise UserError(
            f"hydra.sweeper.metric={metric}: {run} has logged no such metric after its start{near}; while no trial has "
            "a score, the same command with another metric goes on, and no run is lost"
        )


def _is_evaluated(run: Path, after: int) -> bool:
    return any(name.startswith(OF_EVALUATIONS) for name in _logged(run, after))


def _logged(run: Path, after: int) -> set[str]:
    """Return the metrics that a run has logged after an env step."""
    names = {name for row in read_metrics(run / "metrics.jsonl") for name in row if row["env_step"] > after}
    return names - {"env_step"}


def scores_so_far(runs: Sequence[RunSoFar], options: StudyOptions) -> dict[int, float]:
    """Return the score of a trial so far, by the env steps that all its runs have taken.

    Runs are trained in groups of `together`. Within a group the score at env step t of its runs is the aggregate of
    their scores at t and of the final scores of the groups before; it stands at the steps of those groups and
    (runs in the group) t. So two trials can be compared at each of these numbers.

    Args:
        runs: of the trial; the curve of one that has not begun is empty.
        options: of the study.
    """
    found: dict[int, float] = {}
    finals: list[float] = []
    spent = 0
    for start in range(0, len(runs), options.together):
        group = runs[start : start + options.together]
        curves = [run.curve for run in group]
        for step in _common_steps(curves):
            scores = [
                run_score({at: value for at, value in curve.items() if at <= step}, options.last) for curve in curves
            ]
            found[spent + len(group) * step] = float(AGGREGATES[options.over_seeds]([*finals, *scores]))
        if not all(run.is_done and run.curve for run in group):
            break
        finals += [run_score(curve, options.last) for curve in curves]
        spent += sum(run.total_steps for run in group)
    return found


def scores_by_seed(runs: Sequence[RunSoFar], last: int) -> dict[int, float]:
    """Return the score of each run that is done, by its place among the seeds."""
    return {place: run_score(run.curve, last) for place, run in enumerate(runs) if run.is_done and run.curve}


def _common_steps(group: Sequence[Mapping[int, float]]) -> list[int]:
    """Return the env steps that all curves of a group have, in order."""
    return sorted(set.intersection(*(set(curve) for curve in group)))
