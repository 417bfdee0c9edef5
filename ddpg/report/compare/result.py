"""All numbers of a comparison, from the folders to what is written."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import compress
from pathlib import Path

import numpy as np

from ddpg.config.spelling import nearest
from ddpg.errors import UserError
from ddpg.report.compare.configurations import configurations
from ddpg.report.compare.design import Design
from ddpg.report.compare.improvement import Improvement, mean_improvement
from ddpg.report.compare.marks import flattery, length_marks, study_marks, version_marks
from ddpg.report.compare.options import Options, Reference
from ddpg.report.compare.overall import (
    Estimate,
    Profile,
    normalized,
    optimality_gap,
    overall_iqm,
    overall_mean,
    profile,
)
from ddpg.report.compare.paired import Paired
from ddpg.report.compare.pairs import Comparison, Pair, choose_pairs, compare, find_baseline
from ddpg.report.compare.scored import Scored, Scores, scored
from ddpg.report.compare.unpaired import Unpaired
from ddpg.report.filters import choose_runs
from ddpg.report.metric import Metric
from ddpg.report.reading import find_all_runs
from ddpg.report.selection import count

#: The lowest and the highest score of an environment.
Bounds = tuple[float, float]


@dataclass(frozen=True, eq=False)
class Overall:
    """A configuration over all environments that every configuration has, by normalized scores."""

    configuration: str
    runs: int
    mean: Estimate
    iqm: Estimate
    gap: Estimate
    profile: Profile


@dataclass(frozen=True, eq=False)
class Result:
    """All that a comparison has found.

    Args:
        options: of the command.
        design: whether seeds are paired.
        labels: of the configurations, the best first.
        scores: by environment and configuration.
        shared: the environments in which all configurations have scores of one kind; over these, `overall` is computed.
        ranges: the scores that become 0 and 1, by environment.
        overall: of each configuration; empty without a shared environment.
        pairs: the configurations that are compared.
        comparisons: of each pair in each environment that both have.
        improvements: the mean probability of improvement of each pair over its environments.
        marks: sentences on selection, and on training that was not equally long.
    """

    options: Options
    design: Design
    labels: tuple[str, ...]
    scores: Scores
    shared: tuple[str, ...]
    ranges: Mapping[str, Bounds]
    overall: tuple[Overall, ...]
    pairs: tuple[Pair, ...]
    comparisons: tuple[Comparison, ...]
    improvements: Mapping[Pair, Improvement]
    marks: tuple[str, ...]

    @property
    def metric(self) -> Metric:
        """The metric that is compared."""
        return Metric(self.options.metric)


def result(folders: Sequence[Path], options: Options, filters: Mapping[str, str]) -> Result:
    """Read the runs in folders and compare their configurations.

    Args:
        folders: every run in them and below them.
        options: of the command.
        filters: the values that runs must have, by key.

    Raises:
        UserError: nothing to read, no such metric, no two configurations, an unknown baseline, or a wrong range.
    """
    metric = Metric(options.metric)
    found = find_all_runs(folders)
    choice = choose_runs(found, filters, {option.name for option in fields(Options)})
    records = list(compress(found.started, choice.started))
    waiting = list(compress(found.waiting, choice.waiting))
    scores = scored(configurations(records, waiting, options), metric, options.convention, options.failed)
    ranges = _ranges(scores, options)
    labels = _ordered(scores, ranges)
    if len(labels) < 2:
        raise UserError(
            f"nothing to compare: {count(len(records), 'runs')} of one configuration; name the folders of others too"
        )
    baseline = None if options.baseline is None else find_baseline(options.baseline, labels)
    pairs = choose_pairs(labels, baseline)
    design = Paired() if options.paired else Unpaired()
    not_started = Counter(record.environment for record in waiting)
    comparisons = compare(scores, pairs, not_started, options.alpha, design)
    shared = [name for name, group in scores.items() if _are_comparable(group, labels)]
    flattered = [flattery([one for one in group.values() if len(one.scores)]) for group in scores.values()]
    marks = [f"{name}: {text}" for name, text in zip(scores, flattered, strict=True) if text is not None]
    return Result(
        options=options,
        design=design,
        labels=tuple(labels),
        scores=scores,
        shared=tuple(shared),
        ranges=ranges,
        overall=tuple(_overall(label, [scores[name] for name in shared], ranges) for label in labels if shared),
        pairs=tuple(pairs),
        comparisons=tuple(comparisons),
        improvements={pair: mean_improvement(_of(pair, comparisons)) for pair in pairs if _of(pair, comparisons)},
        marks=(
            *length_marks(scores),
            *study_marks(records),
            *version_marks(records),
            *(marks if metric.is_return else []),
        ),
    )


def _of(pair: Pair, comparisons: Sequence[Comparison]) -> list[Improvement]:
    return [one.improvement for one in comparisons if one.pair == pair and one.improvement is not None]


def _are_comparable(group: Mapping[str, Scored], labels: Sequence[str]) -> bool:
    """Whether all configurations have scores in an environment, of one kind."""
    found = [group[label] for label in labels if label in group and len(group[label].scores)]
    return len(found) == len(labels) and len({one.kind for one in found}) == 1


def _ordered(scores: Scores, ranges: Mapping[str, Bounds]) -> list[str]:
    """Return the labels, the one with the largest mean of normalized scores first; without scores comes last."""
    means: dict[str, list[float]] = {}
    for environment, group in scores.items():
        for label, one in group.items():
            known = means.setdefault(label, [])
            if len(one.scores):
                known.append(float(normalized(one.scores, *ranges[environment]).mean()))
    return sorted(means, key=lambda label: (-float(np.mean(means[label])) if means[label] else np.inf, label))


def _ranges(scores: Scores, options: Options) -> dict[str, Bounds]:
    """Return the scores that become 0 and 1 in each environment: those of the command, or the range of all runs."""
    if (options.low is None) != (options.high is None):
        raise UserError("low and high are given both, or neither: together they are the scores that count as 0 and 1")
    found = {}
    for environment, group in scores.items():
        if options.low is not None and options.high is not None:
            bounds = _reference("low", options.low, environment), _reference("high", options.high, environment)
            if not bounds[0] < bounds[1]:
                raise UserError(f"low={bounds[0]:g} is not below high={bounds[1]:g} ({environment})")
            found[environment] = bounds
        else:
            values = np.concatenate([one.scores for one in group.values()])
            found[environment] = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
    for name, reference in (("low", options.low), ("high", options.high)):
        unknown = [key for key in reference if key not in scores] if isinstance(reference, Mapping) else []
        if unknown:
            raise UserError(f"{name}.{unknown[0]}: no run has this environment{nearest(unknown[0], scores)}")
    return found


def _reference(name: str, reference: Reference, environment: str) -> float:
    if not isinstance(reference, Mapping):
        assert reference is not None
        return reference
    if environment not in reference:
        raise UserError(f"{name} names no score of {environment}: {name}.{environment}=NUMBER")
    return reference[environment]


def _overall(label: str, groups: Sequence[Mapping[str, Scored]], ranges: Mapping[str, Bounds]) -> Overall:
    ones = [group[label] for group in groups]
    parts = [normalized(one.scores, *ranges[one.environment]) for one in ones]
    return Overall(
        configuration=label,
        runs=sum(map(len, parts)),
        mean=overall_mean(parts),
        iqm=overall_iqm(parts),
        gap=optimality_gap(parts),
        profile=profile(parts),
    )
