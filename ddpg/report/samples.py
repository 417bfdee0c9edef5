"""Which runs count, and up to where: from the runs that were read to the values that are compared."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ddpg.record.series import Series, moving_mean, short_number
from ddpg.report.measured import Curve, MeasuredRun, shared_steps
from ddpg.report.metric import Metric
from ddpg.report.selection import Choice, choose, count, different_lengths

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
    #: Length S, ascending within a configuration; forks of several runs and joined configurations may share seeds.
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
    #: Whether `end` is where a run has finished, of this configuration or of one that it is compared with; if none has,
    #: all are compared as far as they have come.
    finished: bool = True
    #: All runs, from which `counted` were chosen.
    runs: tuple[MeasuredRun, ...] = ()

    @property
    def started(self) -> int:
        """The number of seeds, with those that are left out."""
        return len(self.seeds) + len(self.unfinished)

    @property
    def failed(self) -> int:
        """The number of seeds that are left out because they failed."""
        return sum(run.state == "failed" for run in self.unfinished)


def samples(
    runs: Sequence[MeasuredRun], metric: Metric, labels: Mapping[tuple[str, str], str] | None = None
) -> list[Sample]:
    """Make a sample of each configuration, sorted by environment and label; `selection.choose` says which runs count.

    Args:
        runs: of any configurations and environments.
        metric: what is compared.
        labels: by environment and configuration; configurations of one label are joined, None: each has its own name.
            Of these every run counts that has reached the step where the first of the joined configurations ends, so
            that a seed may be in a sample several times.
    """
    groups: dict[tuple[str, str], list[MeasuredRun]] = {}
    for run in runs:
        label = labels[run.environment, run.configuration] if labels else run.configuration
        groups.setdefault((run.environment, label), []).append(run)
    return [_sample(label, groups[environment, label], metric) for environment, label in sorted(groups)]


def cut(sample: Sample, limit: float, metric: Metric) -> Sample:
    """Compare the runs of a sample up to the env step `limit` at most: all that have reached it count then."""
    return _sample(sample.configuration, sample.runs, metric, limit)


def _sample(label: str, runs: Sequence[MeasuredRun], metric: Metric, limit: float = np.inf) -> Sample:
    configurations: dict[str, list[MeasuredRun]] = {}
    for run in sorted(runs, key=lambda run: run.configuration):
        configurations.setdefault(run.configuration, []).append(run)
    chosen = _choices(list(configurations.values()), limit)
    counted = [run for one in chosen for run in one.counted]
    end = _end(chosen)
    target = np.inf if all(one.target is None for one in chosen) else end
    steps, values, thinned = _compared(counted, target, end, metric)
    episodes = [run.metric if metric.of_episodes else run.episodes for run in counted]
    lengths = different_lengths(counted) if metric.of_evaluations else []
    return Sample(
        environment=runs[0].environment,
        configuration=label,
        seeds=tuple(run.seed for run in counted),
        steps=steps,
        values=values,
        episodes=tuple(one.up_to(end).values for one in episodes),
        end=end,
        unfinished=tuple(_unfinished(run, metric) for one in chosen for run in one.left_out),
        counted=tuple(counted),
        eval_episodes=tuple(sorted({run.eval_episodes for run in counted})),
        shared=runs[0].shared,
        notes=(*_notes_on_choices(chosen), *thinned, *lengths),
        finished=all(one.target is not None for one in chosen),
        runs=tuple(runs),
    )


def _choices(configurations: Sequence[Sequence[MeasuredRun]], limit: float) -> list[Choice]:
    """Choose the runs of each configuration: of joined ones all that have reached the step where the first one ends."""
    if len(configurations) == 1:
        return [choose(configurations[0], limit)]
    ends = [one.end for one in map(choose, configurations) if one.target is not None]
    chosen = [choose(same, min([limit, *ends])) for same in configurations]
    end = _end(chosen)  # lower still where one of them has finished no run
    return [one if one.end <= end else choose(same, end) for one, same in zip(chosen, configurations, strict=True)]


def _end(chosen: Sequence[Choice]) -> float:
    """Return the env step to which all runs that count have come; -1 if none counts."""
    return min((one.end for one in chosen if one.counted), default=-1.0)


def _notes_on_choices(chosen: Sequence[Choice]) -> list[str]:
    """Gather what is to know of the choice of runs, with the names of configurations where several are joined."""
    if len(chosen) == 1:
        return list(chosen[0].notes)
    names = [one.runs[0].configuration for one in chosen]
    notes = [f"{name}: {note}" for name, one in zip(names, chosen, strict=True) for note in one.notes]
    return [*notes, f"the mean of {len(names)} configurations: {', '.join(names)}"]


def _compared(
    counted: Sequence[MeasuredRun], target: float, end: float, metric: Metric
) -> tuple[Series, Series, list[str]]:
    """Return the steps [n] that all runs have, the values [S, n] there, and what was lost by that.

    Args:
        counted: the runs.
        target: the env step up to which they are compared; infinite if that is as far as they have come.
        end: the env step to which all have come.
        metric: what is compared.
    """
    if not counted:
        return np.empty(0), np.empty((0, 0)), []
    whole = [run.metric.up_to(target) for run in counted]
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
