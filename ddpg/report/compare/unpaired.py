"""The comparison of runs that are all independent of each other."""

from math import sqrt

from ddpg.record.series import Series
from ddpg.report.compare.design import CHOOSE_FIRST, Compared, Words
from ddpg.report.compare.difference import (
    Permutation,
    TTest,
    hedges_g,
    p_value,
    permutation_test,
    pooled_deviation,
    smallest_p,
    welch,
)
from ddpg.report.compare.improvement import Improvement, improvement
from ddpg.report.compare.power import attained, t_power
from ddpg.report.compare.scored import Scored


class Unpaired:
    """Every seed of one configuration is compared with every seed of the other."""

    words = Words(
        seeds="seeds",
        test="permutation test of the means",
        p="permutation",
        t="Welch",
        t_test="Welch's test",
        effect="g",
        equal="all seeds of each are equal",
    )

    def compared(self, first: Scored, second: Scored) -> Compared:
        """Compare all scores."""
        single = [one.configuration for one in (first, second) if len(one.scores) < 2]
        too_few = f"a single seed does not show how much seeds differ ({', '.join(single)})" if single else None
        return Compared(first.scores, second.scores, too_few)

    def permutation(self, first: Series, second: Series) -> Permutation:
        """Divide the seeds into two groups."""
        return permutation_test(first, second)

    def t_test(self, first: Series, second: Series) -> TTest | None:
        """Compare the means by Welch's test."""
        return welch(first, second)

    def p_value(self, first: Series, second: Series, permutation: Permutation, t_test: TTest) -> float:
        """Return that of the permutation test, or the larger one of both with unequally many seeds."""
        return p_value(first, second, permutation.p, t_test.p)

    def deviation(self, first: Series, second: Series) -> float | None:
        """Return the standard deviation of the seeds around the means of their configurations."""
        return pooled_deviation(first, second)

    def effect(self, first: Series, second: Series) -> float | None:
        """Return Hedges' g."""
        return hedges_g(first, second)

    def improvement(self, first: Series, second: Series) -> Improvement:
        """Estimate the probability that a run is better than any run of the other."""
        return improvement(first, second)

    def smallest_p(self, first: int, second: int) -> float:
        """Return the p-value of scores that do not overlap."""
        return smallest_p(first, second)

    def power(self, effect: float, first: int, second: int, level: float) -> float:
        """Return the power of the t test at the level that the permutation test attains, which has nearly the same."""
        reached = attained(level, smallest_p(first, second))
        shift = effect / sqrt(1 / first + 1 / second)
        return t_power(shift, first + second - 2, reached) if reached else 0.0

    def explanations(self) -> tuple[str, ...]:
        """Explain the tests, and that there is another design."""
        return (
            "permutation test: the share of all divisions of these seeds into two groups whose means differ at least "
            "as much. It assumes nothing about the distribution of scores.",
            "seeds are not paired: runs of one seed begin their episodes and evaluations in the same states, and with "
            "the same networks where these have the same form. Where that decides the scores, paired=true finds "
            f"smaller differences. Choose before you look at any scores: {CHOOSE_FIRST}.",
            "g: the difference in standard deviations of the seeds (Hedges). P(improvement): that a run of one is "
            "better than a run of the other. Differences have Welch's interval.",
        )
