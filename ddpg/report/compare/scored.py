"""From runs to the scores that are compared: one number for each seed, by one convention, failed seeds included."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ddpg.errors import UserError
from ddpg.record.series import Series, short_number
from ddpg.report.measured import Curve, shared_steps
from ddpg.report.metric import Metric
from ddpg.report.samples import Sample, Unfinished
from ddpg.report.statistics import conventions

#: The conventions by the name of their option, with their rank in the table of scores.
RANKS = {"last": 0, "last10": 1, "training100": 3}


@dataclass(frozen=True, eq=False)
class Scored:
    """The scores of a configuration in an environment.

    Args:
        environment: its name.
        configuration: its label.
        seeds: those that have a score of their own, ascending.
        failed: the seeds of runs that failed.
        unfinished: where each run is that can still arrive, as in `seed 3 (running at 20k)`.
        scores: [S], of `seeds`; then, with failed=worst, the worst score for each of `failed`.
        own: [len(seeds)], the scores without those of failed runs.
        step: where they are measured; nan without a score.
        convention: the name of the convention, as it is in the table.
        eval_episodes: the different values of eval.episodes, if evaluations are scored.
        notes: sentences on the choice of runs and steps.
    """

    environment: str
    configuration: str
    seeds: tuple[int, ...]
    failed: tuple[int, ...]
    unfinished: tuple[str, ...]
    scores: Series
    own: Series
    step: float
    convention: str
    eval_episodes: tuple[int, ...]
    notes: tuple[str, ...]

    def by_seed(self) -> dict[int, list[float]]:
        """Return the scores of each seed: several where configurations are joined, none of a failed run left out."""
        found: dict[int, list[float]] = {}
        for seed, score in zip((*self.seeds, *self.failed), self.scores.tolist(), strict=False):
            found.setdefault(seed, []).append(score)
        return found


#: Scores by environment, then by configuration.
Scores = dict[str, dict[str, Scored]]


def scored(found: Sequence[Sample], metric: Metric, convention: str, failed: str) -> Scores:
    """Score every configuration in every environment.

    Args:
        found: the configurations.
        metric: that is scored.
        convention: a key of RANKS.
        failed: `worst`: a failed run counts with the worst score of its environment; `leave_out`: it has no score.
            A metric that is no return has no worst value, so its failed runs are left out.

    Raises:
        UserError: no run has a score by this convention.
    """
    scores: Scores = {}
    for sample in _at_shared_steps(found, metric):
        one = _scored(sample, metric, RANKS[convention])
        scores.setdefault(one.environment, {})[one.configuration] = one
    if not any(len(one.own) for group in scores.values() for one in group.values()):
        raise UserError(f"convention={convention}: no run has such a score of {metric.name}")
    if failed == "leave_out" or not metric.is_return:
        return scores
    return {environment: _with_worst(group) for environment, group in scores.items()}


def _at_shared_steps(found: Sequence[Sample], metric: Metric) -> Iterator[Sample]:
    """Cut the samples of an environment at the last step that all of them have, and note where that cuts something."""
    for environment in dict.fromkeys(sample.environment for sample in found):
        same = [sample for sample in found if sample.environment == environment]
        ends = {float(sample.steps[-1]) for sample in same if len(sample.steps)}
        if metric.of_episodes or len(ends) < 2:
            yield from same
        else:
            yield from _cut(same)


def _cut(same: Sequence[Sample]) -> Iterator[Sample]:
    steps = shared_steps([Curve(sample.steps, sample.steps) for sample in same if len(sample.steps)])
    last = float(steps[-1]) if len(steps) else -1.0
    for sample in same:
        count = int(np.searchsorted(sample.steps, last, side="right"))
        note = (
            f"compared at step {short_number(last)}, the last one that all configurations have"
            if count
            else "not compared: it has no evaluation at a step where the others have one"
        )
        kept = count if last >= 0 else 0
        cut = replace(sample, steps=sample.steps[:kept], values=sample.values[:, :kept], notes=(*sample.notes, note))
        yield cut if kept < len(sample.steps) else sample


def _scored(sample: Sample, metric: Metric, rank: int) -> Scored:
    convention, step, values = _by_convention(sample, metric, rank)
    late = [run for run in sample.counted if run.state != "done" and not sample.finished]
    going = [_where(run) for run in sample.unfinished if run.state not in ("failed", "done")]
    failed = [run.seed for run in sample.unfinished if run.state == "failed"]
    return Scored(
        environment=sample.environment,
        configuration=sample.configuration,
        seeds=sample.seeds if len(values) else (),
        failed=tuple(sorted(failed)),
        unfinished=(*(run.where() for run in late), *going),
        scores=values,
        own=values,
        step=step,
        convention=convention,
        eval_episodes=sample.eval_episodes if metric.of_evaluations and rank < RANKS["training100"] else (),
        notes=sample.notes,
    )


def _where(run: Unfinished) -> str:
    reached = short_number(run.steps[-1]) if len(run.steps) else "0"
    return f"seed {run.seed} ({run.state} at {reached})"


def _by_convention(sample: Sample, metric: Metric, rank: int) -> tuple[str, float, Series]:
    """Return the name, the step and the scores [S] by a convention; without scores where it does not fit the runs."""
    found = {one[0]: one for one in conventions(sample, metric)}
    if rank not in found:
        return "", float("nan"), np.empty(0)
    _, name, step, values = found[rank]
    return name, float(step), values


def _with_worst(group: Mapping[str, Scored]) -> dict[str, Scored]:
    """Append to the scores the worst one of the environment for each run that failed, at the step of the others."""
    all_scores = np.concatenate([one.own for one in group.values()])
    if not len(all_scores):
        return dict(group)
    worst = float(all_scores.min())
    last = max(one.step for one in group.values() if len(one.own))
    return {
        label: replace(
            one,
            scores=np.append(one.own, np.full(len(one.failed), worst)),
            step=one.step if len(one.own) or not one.failed else last,
        )
        for label, one in group.items()
    }
