"""Which runs count, and up to where: from the runs that were read to the values that are compared."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from ddpg.record.series import Series, moving_mean, short_number
from ddpg.report.measured import Curve, MeasuredRun, shared_steps
from ddpg.report.metric import Metric
from ddpg.report.origin import notes_on_origins
from ddpg.report.selection import count, different_lengths, finished_step, notes_on_choice, one_for_each_seed

#: A metric of training episodes is averaged over the last WINDOW episodes, at POINTS evenly spaced steps.
POINTS = 100
WINDOW = 100


@dataclass(frozen=True)
class Unfinished:
    """A run that is left out, because it has not reached the step up to which its configuration is compared."""

    seed: int
    state: str
    steps: Series
    values: Series


@dataclass(frozen=True, eq=False)
class Sample:
    """The seeds of a configuration that are compared, at the steps that all of them have."""

    environment: str
    configuration: str
    #: Length S, ascending.
    seeds: tuple[int, ...]
    #: [n] env steps.
    steps: Series
    #: [S, n] the metric.
    values: Series
    #: Length S: the returns of each run's training episodes up to `end`, or the metric if it is one of episodes.
    episodes: tuple[Series, ...]
    #: The env step up to which the seeds are compared; all of them have come so far.
    end: float
    unfinished: tuple[Unfinished, ...] = ()
    #: Length S: the runs that the values are of.
    counted: tuple[MeasuredRun, ...] = ()
    #: The different values of eval.episodes.
    eval_episodes: tuple[int, ...] = ()
    #: What the labels of the environment leave out, because all configurations but one have it.
    shared: str = ""
    #: Sentences on the choice of runs and steps, for the reader.
    notes: tuple[str, ...] = ()
    #: Whether a run has finished; if none has, all are compared as far as they have come.
    finished: bool = True

    @property
    def started(self) -> int:
        """The number of seeds, with those that are left out."""
        return len(self.seeds) + len(self.unfinished)

    @property
    def failed(self) -> int:
        """The number of seeds that are left out because they failed."""
        return sum(run.state == "failed" for run in self.unfinished)


def samples(runs: Sequence[MeasuredRun], metric: Metric) -> list[Sample]:
    """Make a sample of each configuration, sorted by environment and label.

    Those runs count that have reached the largest step that at least half of the configuration's seeds have finished
    (or, if there is none, the one that most have finished). If no run has finished, all count, as far as they share.
    """
    groups: dict[tuple[str, str], list[MeasuredRun]] = {}
    for run in runs:
        groups.setdefault((run.environment, run.configuration), []).append(run)
    return [_sample(groups[key], metric) for key in sorted(groups)]


def merged(parts: Sequence[Sample], label: str, metric: Metric) -> Sample:
    """Join configurations that are compared as one; every run that counts in its own counts, so a seed may be twice.

    Args:
        parts: samples of one environment.
        label: the name of what they have in common.
        metric: what is compared.
    """
    runs = [run for one in parts for run in one.counted]
    end = min((one.end for one in parts if one.counted), default=-1.0)
    steps, values, thinned = _compared(runs, end, end, metric)
    own = [f"{one.configuration}: {note}" for one in parts for note in one.notes]
    names = ", ".join(one.configuration for one in parts)
    return replace(
        parts[0],
        configuration=label,
        seeds=tuple(run.seed for run in runs),
        steps=steps,
        values=values,
        episodes=tuple((run.metric if metric.of_episodes else run.episodes).up_to(end).values for run in runs),
        end=end,
        unfinished=tuple(run for one in parts for run in one.unfinished),
        counted=tuple(runs),
        eval_episodes=tuple(sorted({number for one in parts for number in one.eval_episodes})),
        finished=all(one.finished for one in parts),
        notes=(*own, *([f"the mean of {len(parts)} configurations: {names}"] if len(parts) > 1 else []), *thinned),
    )


def _sample(same: Sequence[MeasuredRun], metric: Metric) -> Sample:
    runs, notes = one_for_each_seed(same)
    measured = [run for run in runs if len(run.metric.steps)]
    target = finished_step(measured, len(runs))
    counted = [run for run in measured if (run.state != "failed" if target is None else run.has_reached(target))]
    others = [run for run in runs if run not in counted]
    end = min([np.inf if target is None else target, *(run.reached for run in counted)]) if counted else -1.0
    steps, values, thinned = _compared(counted, target, end, metric)
    episodes = [run.metric if metric.of_episodes else run.episodes for run in counted]
    lengths = different_lengths(counted) if metric.of_evaluations else []
    return Sample(
        environment=same[0].environment,
        configuration=same[0].configuration,
        seeds=tuple(run.seed for run in counted),
        steps=steps,
        values=values,
        episodes=tuple(one.up_to(end).values for one in episodes),
        end=end,
        unfinished=tuple(_unfinished(run, metric) for run in others),
        counted=tuple(counted),
        eval_episodes=tuple(sorted({run.eval_episodes for run in counted})),
        shared=same[0].shared,
        notes=(
            *notes_on_origins(run.origin for run in runs),
            *notes,
            *notes_on_choice(runs, counted, target),
            *thinned,
            *lengths,
        ),
        finished=target is not None,
    )


def _compared(
    counted: Sequence[MeasuredRun], target: float | None, end: float, metric: Metric
) -> tuple[Series, Series, list[str]]:
    """Return the steps [n] that all runs have, the values [S, n] there, and what was lost by that."""
    if not counted:
        return np.empty(0), np.empty((0, 0)), []
    whole = [run.metric if target is None else run.metric.up_to(target) for run in counted]
    curves = [_on_grid(one, end) for one in whole] if metric.of_episodes else whole
    steps = shared_steps(curves)
    if not len(steps):
        values = np.empty((len(curves), 0))
        return steps, values, ["not compared: there is no step at which all its seeds have a finite value"]
    values = np.array([curve.at(steps) for curve in curves])
    return steps, values, _lost_steps(whole, curves, steps, metric)


def _lost_steps(whole: Sequence[Curve], curves: Sequence[Curve], steps: Series, metric: Metric) -> list[str]:
    """Tell which steps are not compared, because not all curves have them."""
    last = float(steps[-1])
    notes = []
    if last < max(one.steps[-1] for one in whole if len(one.steps)):
        notes.append(f"compared up to step {short_number(last)}, the last one where all its seeds have a finite value")
    of_any = {step for curve in curves for step in curve.up_to(last).steps}
    if len(steps) < len(of_any) and not metric.of_episodes:
        kind = "evaluation steps" if metric.of_evaluations else "steps"
        notes.append(f"compared at {len(steps)} of {count(len(of_any), kind)}, those that all seeds have")
    return notes


def _on_grid(episodes: Curve, end: float) -> Curve:
    """Average the last WINDOW episodes at POINTS evenly spaced steps up to `end`, from the first episode's end on."""
    grid = end * np.arange(1, POINTS + 1) / POINTS
    ended = np.searchsorted(episodes.steps, grid, side="right")
    means = moving_mean(episodes.values, WINDOW)
    return Curve(grid[ended > 0], means[ended[ended > 0] - 1])


def _unfinished(run: MeasuredRun, metric: Metric) -> Unfinished:
    smoothed = metric.of_episodes and len(run.metric.steps) > 0
    shown = _on_grid(run.metric, run.reached) if smoothed else run.metric
    return Unfinished(run.seed, run.state, shown.steps, shown.values)
