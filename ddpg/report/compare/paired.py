"""The comparison of runs in pairs: the two runs of a seed begin their episodes and evaluations in the same states."""

from collections.abc import Mapping
from math import sqrt

import numpy as np
from scipy.special import ndtr

from ddpg.record.series import Series
from ddpg.report.compare.design import CHOOSE_FIRST, Compared, Pairing, Words
from ddpg.report.compare.difference import Permutation, TTest, few_seeds, rounding
from ddpg.report.compare.improvement import Improvement, paired_improvement
from ddpg.report.compare.power import attained, t_power
from ddpg.report.compare.scored import Scored
from ddpg.report.compare.sign_flips import paired_t_test, sign_flip_test, smallest_p
from ddpg.report.compare.single_runs import next_run
from ddpg.report.text import seed_list


class Paired:
    """Each seed of one configuration is compared with the same seed of the other."""

    words = Words(
        seeds="paired seeds",
        test="sign-flip test of the paired differences",
        p="sign-flip",
        t="paired t",
        t_test="the t test of the differences",
        effect="g of the differences",
        equal="all differences are equal",
    )

    def compared(self, first: Scored, second: Scored) -> Compared:
        """Compare the seeds of which both have equally many runs, the mean of these where there are several."""
        one, other = first.by_seed(), second.by_seed()
        seeds = sorted(seed for seed in one if len(one[seed]) == len(other.get(seed, ())))
        mine, theirs = (np.array([float(np.mean(side[seed])) for seed in seeds]) for side in (one, other))
        left_out = {
            first.configuration: tuple(seed for seed in sorted(one) if seed not in seeds),
            second.configuration: tuple(seed for seed in sorted(other) if seed not in seeds),
        }
        pairing = Pairing(tuple(seeds), mine - theirs, left_out, correlation(mine, theirs), next_run(mine - theirs))
        return Compared(mine, theirs, _too_few(pairing), pairing)

    def permutation(self, first: Series, second: Series) -> Permutation:
        """Flip the signs of the differences."""
        return sign_flip_test(first, second)

    def t_test(self, first: Series, second: Series) -> TTest | None:
        """Compare the mean of the differences with zero."""
        return paired_t_test(first, second)

    def p_value(self, first: Series, second: Series, permutation: Permutation, t_test: TTest) -> float:
        """Return the p-value of the sign flips."""
        return permutation.p

    def deviation(self, first: Series, second: Series) -> float | None:
        """Return the standard deviation of the differences."""
        if len(first) < 2:
            return None
        deviation = float((first - second).std(ddof=1))
        return deviation if deviation > rounding(first, second) else 0.0

    def effect(self, first: Series, second: Series) -> float | None:
        """Return the mean difference in its deviations with Hedges' correction; None with 2 pairs: it makes these 0."""
        deviation = self.deviation(first, second)
        if not deviation or len(first) < 3:
            return None
        return float((first - second).mean()) / deviation * few_seeds(len(first) - 1)

    def improvement(self, first: Series, second: Series) -> Improvement:
        """Estimate the probability that a run is better than the other run of its seed."""
        return paired_improvement(first, second)

    def smallest_p(self, first: int, second: int) -> float:
        """Return the p-value of differences which all have one sign."""
        return smallest_p(min(first, second))

    def power(self, effect: float, first: int, second: int, level: float) -> float:
        """Return the power of the t test at the level that sign flips attain, which have nearly the same.

        Where only differences of one sign are significant, it is the chance of these.
        """
        pairs = min(first, second)
        reached = attained(level, smallest_p(pairs))
        if reached == smallest_p(pairs):
            return float(ndtr(effect) ** pairs + ndtr(-effect) ** pairs)
        return t_power(effect * sqrt(pairs), pairs - 1, reached) if reached else 0.0

    def explanations(self) -> tuple[str, ...]:
        """Explain the tests and the choice of this design."""
        return (
            "seeds are paired, because the command says so (paired=true): runs of one seed begin their episodes and "
            "evaluations in the same states. Sign-flip test: the share of all exchanges of runs within pairs whose "
            "mean difference is at least as large. It assumes nothing about the distribution of scores, nor that the "
            "runs of a pair have anything in common. Its smallest p-value is 2 / 2^n with n pairs, 0.062 with 5 and "
            "0.031 with 6, so fewer than 6 are never certain at 5 %.",
            f"paired or not is a choice before the look at any scores: {CHOOSE_FIRST}. The correlation is for the "
            "choice in another comparison.",
            "g of the differences: their mean in their standard deviations, corrected for few pairs (Hedges). It "
            "cannot be compared with the g of seeds that are not paired. P(improvement): that a run of one is better "
            "than the run of the other with the same seed. Differences have Student's interval.",
        )


def correlation(first: Series, second: Series) -> float | None:
    """Return Pearson's correlation of the scores of pairs; None with fewer than 3, or where a side is constant."""
    if len(first) < 3 or any(scores.std() <= rounding(scores) for scores in (first, second)):
        return None
    return float(np.corrcoef(first, second)[0, 1])


def _too_few(pairing: Pairing) -> str | None:
    if len(pairing.seeds) > 1:
        return None
    if pairing.seeds:
        return f"only seed {pairing.seeds[0]} makes a pair, which does not show how much differences vary"
    return f"no two runs have one seed ({_seeds_of(pairing.left_out)})"


def _seeds_of(seeds: Mapping[str, tuple[int, ...]]) -> str:
    return "; ".join(f"{name}: {seed_list(some)}" for name, some in seeds.items())
