"""The final score of a single run by each convention."""

import numpy as np

from ddpg.record.series import Series
from ddpg.report.measured import NO_CURVE, Curve, MeasuredRun
from ddpg.report.metric import Metric
from ddpg.report.samples import Sample
from ddpg.report.statistics import TRAINING, last_values, training_episodes

#: The score by its convention: of the last value, of the last 10, of the last 100 training episodes, of the largest.
Scores = dict[str, float | None]


def scores(run: MeasuredRun, sample: Sample | None, metric: Metric) -> Scores:
    """Score a run where its sample is compared, or, with `sample` None, where it has come to.

    `best` is the run's own largest value, which is biased upwards: it is None for a metric that is no return.
    """
    curve, episodes = _scored(run, sample, metric)
    values = curve.values
    return {
        "last": _mean(values[-1:]),
        "last10": _mean(values[len(values) - last_values(curve.steps) :]),
        "training100": _mean(episodes),
        "best": float(values.max()) if metric.is_return and len(values) else None,
    }


def averaged(run: MeasuredRun, sample: Sample | None, metric: Metric) -> dict[str, int]:
    """Count the values of which the scores are means: fewer than their names say where a run has fewer."""
    curve, episodes = _scored(run, sample, metric)
    return {"last10": last_values(curve.steps), "training100": len(episodes)}


def _scored(run: MeasuredRun, sample: Sample | None, metric: Metric) -> tuple[Curve, Series]:
    """Return the values that are scored, and the returns of the last training episodes, if these are scored."""
    end = np.inf if sample is None else sample.end
    shown = run.metric.up_to(end)
    if metric.of_episodes:
        training = shown
        values = NO_CURVE
    else:
        training = run.episodes.up_to(end)
        values = shown if sample is None else Curve(sample.steps, run.metric.at(sample.steps))
    count = TRAINING if sample is None else training_episodes(sample)
    has_training = count > 0 and (metric.is_return or metric.of_episodes)
    return values, training.values[-count:] if has_training else np.empty(0)


def steps_to(curve: Curve, threshold: float) -> float | None:
    """Return the step of the first value that is at least the threshold; None where there is none."""
    reached = np.flatnonzero(curve.values >= threshold)
    return float(curve.steps[reached[0]]) if len(reached) else None


def _mean(values: Series) -> float | None:
    return float(values.mean()) if len(values) else None
