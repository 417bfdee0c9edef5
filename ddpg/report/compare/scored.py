"""From runs to the scores that are compared: one number for each seed, by one convention, failed seeds included."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from ddpg.errors import UserError
from ddpg.record.series import Series, short_number
from ddpg.report.compare.shared import at_shared_steps
from ddpg.report.metric import Metric
from ddpg.report.samples import Sample, Unfinished
from ddpg.report.selection import ENDED
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
        failed: the seeds of runs that failed before the step that is compared.
        unfinished: where each run is that can still arrive, as in `seed 3 (running at 20k)`.
        scores: [S], of `seeds`; then, with failed=worst, the worst value for each of `failed`.
        own: [len(seeds)], the scores of `seeds` alone.
        step: where they are measured; nan without a score.
        reached: where they would be measured if no other configuration had ended earlier; nan without values.
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
    reached: float
    convention: str
    eval_episodes: tuple[int, ...]
    notes: tuple[str, ...]

    @property
    def kind(self) -> tuple[float, str]:
        """The step and the convention of the scores: only scores of one kind can be compared."""
        return self.step, self.convention

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
        failed: `worst`: a run that failed before the step that is compared counts with the worst value that a run of
            its environment ever had, so that no failure can pay; `leave_out`: it has no score. A metric that is no
            return has no worst value, so these runs are left out.

    Raises:
        UserError: no run has a score by this convention.
    """
    of_episodes = metric.of_episodes or RANKS[convention] == RANKS["training100"]
    scores: Scores = {}
    worst: dict[str, float] = {}
    for environment in dict.fromkeys(sample.environment for sample in found):
        same = [sample for sample in found if sample.environment == environment]
        pairs = zip(same, at_shared_steps(same, metric, of_episodes), strict=True)
        group = [_scored(whole, shared, metric, RANKS[convention]) for whole, shared in pairs]
        scores[environment] = {one.configuration: one for one in group}
        worst[environment] = _worst(same, group, metric)
    if not any(len(one.own) for group in scores.values() for one in group.values()):
        shared = " at a step after 0 that all configurations have" if len(found) > 1 and not of_episodes else ""
        raise UserError(f"convention={convention}: no run has such a score of {metric.name}{shared}")
    if failed == "leave_out" or not metric.is_return:
        return scores
    return {environment: _with_worst(group, worst[environment]) for environment, group in scores.items()}


def _scored(whole: Sample, sample: Sample, metric: Metric, rank: int) -> Scored:
    """Score a configuration at the steps that it shares with others; `whole` is the sample without that cut."""
    convention, step, values = _by_convention(sample, metric, rank)
    late = [run for run in sample.counted if run.state not in ENDED and not sample.finished]
    going = [_where(run) for run in sample.unfinished if run.state not in ENDED]
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
        reached=_by_convention(whole, metric, rank)[1],
        convention=convention,
        eval_episodes=sample.eval_episodes if metric.of_evaluations and rank < RANKS["training100"] else (),
        notes=sample.notes,
    )


def _where(run: Unfinished) -> str:
    reached = short_number(run.steps[-1]) if len(run.steps) else "0"
    return f"seed {run.seed} ({run.state} at {reached})"


def _by_convention(sample: Sample, metric: Metric, rank: int) -> tuple[str, float, Series]:
    """Return the name, the step and the scores [S] by a convention; without scores where it does not fit the runs.

    With a single value the last ten are the last.
    """
    found = {one[0]: one for one in conventions(sample, metric)}
    if rank == RANKS["last10"] and rank not in found:
        rank = RANKS["last"]
    if rank not in found:
        return "", float("nan"), np.empty(0)
    _, name, step, values = found[rank]
    return name, float(step), values


def _worst(same: Sequence[Sample], group: Sequence[Scored], metric: Metric) -> float:
    """Return the worst value that any run of an environment had at any step; infinite without values.

    A single training episode is no value, but the mean of those before each step.
    """
    values = [sample.values.ravel() for sample in same]
    values += [] if metric.of_episodes else [run.metric.values for sample in same for run in sample.counted]
    values += [run.values for sample in same for run in sample.unfinished]
    values += [one.own for one in group]
    return float(np.concatenate(values).min(initial=np.inf))


def _with_worst(group: Mapping[str, Scored], worst: float) -> dict[str, Scored]:
    """Append the worst value to the scores for each run that failed; where there is no other, it is of their kind."""
    known = [one for one in group.values() if len(one.own)]
    if not known:
        return dict(group)
    last = max(known, key=lambda one: one.step)
    return {
        label: replace(
            one if len(one.own) or not one.failed else replace(one, step=last.step, convention=last.convention),
            scores=np.append(one.own, np.full(len(one.failed), worst)),
        )
        for label, one in group.items()
    }
