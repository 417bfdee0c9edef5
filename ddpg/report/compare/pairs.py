"""Every pair of configurations in every environment: tested where that is honest, otherwise with the reason why not."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from ddpg.config.spelling import nearest
from ddpg.errors import UserError
from ddpg.report.compare.design import Compared, Design, Pairing
from ddpg.report.compare.difference import Permutation, TTest, holm
from ddpg.report.compare.improvement import Improvement
from ddpg.report.compare.power import seeds_needed, smallest_effect
from ddpg.report.compare.scored import Scored, Scores

#: Without a baseline so many pairs are compared at most: those of 4 configurations.
MOST_PAIRS = 6

Pair = tuple[str, str]


@dataclass(frozen=True)
class Tests:
    """The tests of a difference, and what the seeds could have found.

    Args:
        permutation: the permutation test of the means, or of the mean of paired differences.
        t_test: Welch's test, or Student's of paired differences.
        p: the p-value by which is decided.
        adjusted: p after Holm's correction for all comparisons.
        better: whether the difference is significant.
        smallest_difference: what so many seeds find in 8 of 10 cases; infinite where they can find none, None where the
            seeds of a configuration are all equal, so that nothing is known of their noise.
        seeds_needed: of each configuration (paired: pairs), to find the difference that was seen in 8 of 10 cases;
            None: too many, or nothing is known of the noise.
    """

    permutation: Permutation
    t_test: TTest
    p: float
    adjusted: float = 1.0
    better: bool = False
    smallest_difference: float | None = None
    seeds_needed: int | None = None


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two configurations in an environment. The difference is first - second; `refused` says why there is no test.

    Args:
        first: one configuration.
        second: the other.
        counts: how many scores of each are compared.
        difference: of the means.
        deviation: of the noise, by which power is computed; None where it is not known.
        effect: the difference in these deviations, corrected for few seeds; None where there is no noise.
        improvement: the probability that a run of the first is better; None without scores of one kind.
        smallest_p: that the permutation test can have with so many scores.
        tests: None where they are refused.
        refused: the reason.
        pairing: the pairs, if seeds are paired.
    """

    first: Scored
    second: Scored
    counts: tuple[int, int]
    difference: float
    deviation: float | None
    effect: float | None
    improvement: Improvement | None
    smallest_p: float
    tests: Tests | None
    refused: str | None
    pairing: Pairing | None

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


def compare(
    scores: Scores, pairs: Sequence[Pair], waiting: Mapping[str, int], alpha: float, design: Design
) -> list[Comparison]:
    """Compare pairs in each environment that has both, at a level alpha for all comparisons together.

    Args:
        scores: by environment and configuration.
        pairs: labels of configurations.
        waiting: the number of runs that have not started yet, by environment.
        alpha: the chance of any false positive, as 0.05.
        design: whether seeds are paired.
    """
    found = list(_compared(scores, pairs, waiting, design))
    # what is not tested yet counts as well: otherwise an early look at a few environments would be judged more mildly
    adjusted = holm([1.0 if one.tests is None else one.tests.p for one in found])
    level = alpha / max(1, len(found))
    return [
        one if one.tests is None else replace(one, tests=_decided(one, one.tests, p, alpha, level, design))
        for one, p in zip(found, adjusted, strict=True)
    ]


def _compared(
    scores: Scores, pairs: Sequence[Pair], waiting: Mapping[str, int], design: Design
) -> Iterator[Comparison]:
    for first, second in pairs:
        for environment, group in scores.items():
            if first in group and second in group and len(group[first].scores) and len(group[second].scores):
                yield _comparison(group[first], group[second], waiting.get(environment, 0), design)


def _comparison(first: Scored, second: Scored, waiting: int, design: Design) -> Comparison:
    chosen = design.compared(first, second)
    any_chosen = min(chosen.counts) > 0
    one_kind = first.kind == second.kind
    one, other = (chosen.first, chosen.second) if any_chosen else (first.scores, second.scores)
    refused = _refused(first, second, waiting) or chosen.too_few
    return Comparison(
        first=first,
        second=second,
        counts=chosen.counts,
        difference=float(one.mean() - other.mean()),
        deviation=design.deviation(chosen.first, chosen.second),
        effect=design.effect(chosen.first, chosen.second),
        improvement=design.improvement(chosen.first, chosen.second) if any_chosen and one_kind else None,
        smallest_p=design.smallest_p(*chosen.counts),
        tests=None if refused else _tests(chosen, design),
        refused=refused,
        pairing=chosen.pairing,
    )


def _tests(chosen: Compared, design: Design) -> Tests | None:
    by_t = design.t_test(chosen.first, chosen.second)
    if by_t is None:
        return None
    permutation = design.permutation(chosen.first, chosen.second)
    return Tests(permutation, by_t, design.p_value(chosen.first, chosen.second, permutation, by_t))


def _refused(first: Scored, second: Scored, waiting: int) -> str | None:
    """Say why runs of two configurations cannot be tested, however they are compared."""
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
    if first.convention != second.convention:
        return f"they have scores of different conventions, {first.convention} and {second.convention}"
    return None


def _decided(one: Comparison, tests: Tests, adjusted: float, alpha: float, level: float, design: Design) -> Tests:
    """Judge a comparison by its adjusted p-value, and add what its seeds would find at the level of one of them."""
    smallest = needed = None
    if one.deviation:
        effect = one.difference / one.deviation
        smallest = smallest_effect(lambda size: design.power(size, *one.counts, level)) * one.deviation
        needed = seeds_needed(lambda count: design.power(effect, count, count, level)) if one.difference else None
    return replace(
        tests,
        adjusted=adjusted,
        better=adjusted <= alpha,
        smallest_difference=smallest,
        seeds_needed=needed,
    )
