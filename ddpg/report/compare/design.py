"""How the runs of two configurations belong together; the statistics of their difference follow from that."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from ddpg.record.series import Series
from ddpg.report.compare.difference import Permutation, TTest
from ddpg.report.compare.improvement import Improvement
from ddpg.report.compare.scored import Scored
from ddpg.report.compare.single_runs import NextRun

#: Why the design is chosen first; measured by scripts/paired_coverage.py.
CHOOSE_FIRST = "who takes the better of both tests is wrong in up to 7 % of cases instead of 5 %"


class Words(NamedTuple):
    """The names of what is counted and computed, for sentences: `6 SEEDS cannot tell`, `TEST`, `P p = 0.03`."""

    seeds: str
    test: str
    p: str
    t: str
    t_test: str
    effect: str
    #: Said where there is no noise.
    equal: str


@dataclass(frozen=True, eq=False)
class Pairing:
    """Which seeds are pairs, and what the runs of a pair have in common.

    Args:
        seeds: that both configurations have, [n].
        differences: of the scores of each pair, [n].
        left_out: seeds without a partner, by configuration.
        correlation: of the scores of a pair; None with fewer than 3 pairs, or where the scores of a side are all equal.
        next_seed: where the difference of another pair will be; None with a single pair.
    """

    seeds: tuple[int, ...]
    differences: Series
    left_out: Mapping[str, tuple[int, ...]]
    correlation: float | None
    next_seed: NextRun | None


@dataclass(frozen=True, eq=False)
class Compared:
    """The scores of two configurations that are compared, [n] and [m]; `too_few` says why they allow no test."""

    first: Series
    second: Series
    too_few: str | None
    pairing: Pairing | None = None

    @property
    def counts(self) -> tuple[int, int]:
        """The number of scores of each."""
        return len(self.first), len(self.second)


class Design(Protocol):
    """The statistics of a difference of two configurations, first - second."""

    @property
    def words(self) -> Words:
        """The names of what it computes."""

    def compared(self, first: Scored, second: Scored) -> Compared:
        """Choose the scores that are compared."""

    def permutation(self, first: Series, second: Series) -> Permutation:
        """Test whether it makes any difference which configuration a run is of."""

    def t_test(self, first: Series, second: Series) -> TTest | None:
        """Compare the means; None with too few scores."""

    def p_value(self, first: Series, second: Series, permutation: Permutation, t_test: TTest) -> float:
        """Return the p-value by which is decided."""

    def deviation(self, first: Series, second: Series) -> float | None:
        """Return the standard deviation of the noise; None with too few scores."""

    def effect(self, first: Series, second: Series) -> float | None:
        """Return the difference in these deviations, corrected for few seeds; None where there is no noise."""

    def improvement(self, first: Series, second: Series) -> Improvement:
        """Estimate the probability that a run of the first configuration is better."""

    def smallest_p(self, first: int, second: int) -> float:
        """Return the smallest p-value that so many scores can have."""

    def power(self, effect: float, first: int, second: int, level: float) -> float:
        """Return the chance that so many scores find a difference, which is given in deviations of the noise."""

    def explanations(self) -> tuple[str, ...]:
        """Explain the tests and numbers to the reader."""
