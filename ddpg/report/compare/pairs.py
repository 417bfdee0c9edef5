"""Every pair of configurations in every environment: tested where that is honest, otherwise with the reason why not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from ddpg.config.spelling import nearest
from ddpg.errors import UserError
from ddpg.report.compare.difference import (
    Permutation,
    Welch,
    hedges_g,
    holm,
    p_value,
    permutation_test,
    pooled_deviation,
    welch,
)
from ddpg.report.compare.improvement import Improvement, improvement
from ddpg.report.compare.power import seeds_needed, smallest_effect
from ddpg.report.compare.scored import Scored, Scores

#: Without a baseline so many pairs are compared at most: those of 4 configurations.
MOST_PAIRS = 6

Pair = tuple[str, str]


@dataclass(frozen=True)
class Tests:
    """The tests of a difference, and what the seeds could have found.

    Args:
        permutation: the permutation test of the means.
        welch: Welch's test.
        p: the p-value by which is decided.
        adjusted: p after Holm's correction for all comparisons.
        better: whether the difference is significant.
        smallest_difference: what so many seeds find in 8 of 10 cases; infinite where they can find none, None where the
            seeds of a configuration are all equal, so that nothing is known of their noise.
        seeds_needed: of each configuration, to find the difference that was seen in 8 of 10 cases; None: too many.
    """

    permutation: Permutation
    welch: Welch
    p: float
    adjusted: float = 1.0
    better: bool = False
    smallest_difference: float | None = None
    seeds_needed: int | None = None


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two configurations in an environment. The difference is first - second; `refused` says why there is no test."""

    first: Scored
    second: Scored
    difference: float
    effect: float | None
    improvement: Improvement
    tests: Tests | None
    refused: str | None

    @property
    def pair(self) -> Pair:
        """The labels of the configurations."""
        return self.first.configuration, self.second.configuration

    @property
    def environment(self) -> str:
        """The name of the environment."""
        return self.first.environment


def find_baseline(word: str, labels: Sequence[str]) -> str:
    """Return the label that a word names: the whole label, or a part of only one, as `td3` of `preset=td3 tau=0.01`.

    Raises:
        UserError: no label has it, or several have.
    """
    if word in labels:
        return word
    having = [label for label in labels if word in label.split() or word in label.replace("=", " ").split()]
    if len(having) == 1:
        return having[0]
    if having:
        raise UserError(f"baseline={word} is in several labels: {'; '.join(having)}; name one of them whole")
    raise UserError(f"baseline={word} is no configuration{nearest(word, labels, most=40)}")


def choose_pairs(labels: Sequence[str], baseline: str | None) -> list[Pair]:
    """Return the pairs that are compared: each with the baseline, or all, if they are at most MOST_PAIRS.

    Args:
        labels: of the configurations, the best first.
        baseline: a label.
    """
    if baseline is not None:
        return [(label, baseline) for label in labels if label != baseline]
    pairs = list(combinations(labels, 2))
    return pairs if len(pairs) <= MOST_PAIRS else []


def compare(scores: Scores, pairs: Sequence[Pair], waiting: Mapping[str, int], alpha: float) -> list[Comparison]:
    """Compare pairs in each environment that has both, at a level alpha for all comparisons together.

    Args:
        scores: by environment and configuration.
        pairs: labels of configurations.
        waiting: the number of runs that have not started yet, by environment.
        alpha: the chance of any false positive, as 0.05.
    """
    found = list(_compared(scores, pairs, waiting))
    # what is not tested yet counts as well: otherwise an early look at a few environments would be judged more mildly
    adjusted = holm([1.0 if one.tests is None else one.tests.p for one in found])
    level = alpha / max(1, len(found))
    return [
        one if one.tests is None else _decided(one, one.tests, p, alpha, level)
        for one, p in zip(found, adjusted, strict=True)
    ]


def _compared(scores: Scores, pairs: Sequence[Pair], waiting: Mapping[str, int]) -> Iterator[Comparison]:
    for first, second in pairs:
        for environment, group in scores.items():
            if first in group and second in group and len(group[first].scores) and len(group[second].scores):
                yield _comparison(group[first], group[second], waiting.get(environment, 0))


def _comparison(first: Scored, second: Scored, waiting: int) -> Comparison:
    one, other = first.scores, second.scores
    refused = _refused(first, second, waiting)
    by_welch = welch(one, other)
    tests = None
    if refused is None and by_welch is not None:
        permutation = permutation_test(one, other)
        tests = Tests(permutation, by_welch, p_value(one, other, permutation.p, by_welch.p))
    difference = float(one.mean() - other.mean())
    return Comparison(first, second, difference, hedges_g(one, other), improvement(one, other), tests, refused)


def _refused(first: Scored, second: Scored, waiting: int) -> str | None:
    """Say why a pair gets no test."""
    going = [f"{one.configuration} {where}" for one in (first, second) for where in one.unfinished]
    if going or waiting:
        parts = [*going[:3], *([f"{len(going) - 3} more"] if len(going) > 3 else [])]
        parts += [f"{waiting} not started"] if waiting else []
        return (
            f"not finished ({', '.join(parts)}): who tests early and again, and stops when the result pleases, finds "
            "differences that are not there"
        )
    if first.step != second.step:
        return f"they are measured at different steps, {first.step:g} and {second.step:g}"
    single = [one.configuration for one in (first, second) if len(one.scores) < 2]
    if single:
        return f"a single seed does not show how much seeds differ ({', '.join(single)})"
    return None


def _decided(one: Comparison, tests: Tests, adjusted: float, alpha: float, level: float) -> Comparison:
    seeds = len(one.first.scores), len(one.second.scores)
    deviation = pooled_deviation(one.first.scores, one.second.scores)
    smallest = needed = None
    if deviation:
        smallest = smallest_effect(*seeds, level) * deviation
        needed = seeds_needed(one.difference / deviation, level) if one.difference else None
    decided = replace(
        tests,
        adjusted=adjusted,
        better=bool(adjusted <= alpha and not np.isclose(one.difference, 0.0, atol=0.0)),
        smallest_difference=smallest,
        seeds_needed=needed,
    )
    return replace(one, tests=decided)
