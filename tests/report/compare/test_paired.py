"""Runs in pairs: which seeds are pairs, the numbers of a pair, and how often their intervals cover."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from ddpg.report.compare.improvement import paired_improvement
from ddpg.report.compare.paired import Paired, correlation
from ddpg.report.compare.scored import Scored
from interval_coverage import SHAPES, Shape
from paired_coverage import difference_coverage, improvement_coverage


def scored(label: str, scores: dict[int, float], failed: tuple[int, ...] = ()) -> Scored:
    seeds = tuple(seed for seed in scores if seed not in failed)
    values = np.array([scores[seed] for seed in (*seeds, *failed)])
    return Scored(
        "hopper", label, seeds, failed, (), values, values[: len(seeds)], 100.0, 100.0, "last evaluation", (1,), ()
    )


def test_seeds_of_both_are_pairs() -> None:
    """Failed runs come last among the scores, and are paired by their seed all the same."""
    one = scored("a", {1: 10.0, 2: -5.0, 3: 30.0, 9: 90.0}, failed=(2,))
    other = scored("b", {3: 33.0, 2: 22.0, 1: 11.0, 7: 77.0})
    found = Paired().compared(one, other)
    assert (found.first.tolist(), found.second.tolist()) == ([10, -5, 30], [11, 22, 33])
    assert found.too_few is None
    assert found.pairing is not None
    assert found.pairing.seeds == (1, 2, 3)
    assert found.pairing.left_out == {"a": (9,), "b": (7,)}


def test_a_failed_run_without_a_score_leaves_its_partner_alone() -> None:
    one = replace(scored("a", {1: 1.0, 2: 2.0}), failed=(3,))
    found = Paired().compared(one, scored("b", {1: 1.0, 2: 2.0, 3: 3.0}))
    assert found.pairing is not None
    assert found.pairing.left_out == {"a": (), "b": (3,)}


def test_joined_configurations_have_several_runs_of_a_seed() -> None:
    """Their mean is compared, where both have equally many; of seed 2 one lacks a run."""
    one = replace(scored("a", {1: 0.0}), seeds=(1, 2, 1, 2, 3), scores=np.array([1.0, 2.0, 3.0, 4.0, 5.0]))
    other = replace(scored("b", {1: 0.0}), seeds=(1, 2, 1, 3), scores=np.array([7.0, 8.0, 9.0, 6.0]))
    found = Paired().compared(one, other)
    assert (found.first.tolist(), found.second.tolist()) == ([2, 5], [8, 6])
    assert found.pairing is not None
    assert found.pairing.left_out == {"a": (2,), "b": (2,)}


def test_too_few_pairs() -> None:
    one = scored("a", {1: 1.0, 2: 2.0, 3: 3.0})
    assert Paired().compared(one, scored("b", {4: 1.0, 5: 2.0})).too_few == (
        "no two runs have one seed (a: 3 (1-3); b: 2 (4, 5))"
    )
    assert "only seed 3 makes a pair" in str(Paired().compared(one, scored("b", {3: 1.0, 5: 2.0})).too_few)


def test_effect_by_hand() -> None:
    one, other = np.array([1.0, 3.0, 5.0]), np.array([0.0, 1.0, 2.0])
    assert Paired().deviation(one, other) == 1
    assert Paired().effect(one, other) == pytest.approx(2 * (1 - 3 / 7))
    assert Paired().effect(other, other) is None
    assert Paired().effect(one + 0.1, one) is None  # the differences are equal but for rounding
    assert Paired().effect(one[:2], other[:2]) is None


def test_the_correlation_is_that_of_scipy() -> None:
    one, other = np.random.default_rng(0).normal(size=(2, 6))
    assert correlation(one, other) == pytest.approx(stats.pearsonr(one, other).statistic)
    assert correlation(one[:2], other[:2]) is None
    assert correlation(np.full(6, 0.1), other) is None  # its computed deviation is 1e-17


def test_the_probability_of_improvement_is_that_of_a_pair() -> None:
    """Each run is better than the other of its seed, but not than all others."""
    found = paired_improvement(np.array([1.0, 11.0, 21.0, 30.0]), np.array([0.0, 10.0, 20.0, 30.0]))
    expected = stats.binomtest(3, 4).proportion_ci(0.95, method="exact")
    assert found.probability == 3.5 / 4
    assert expected.low < found.low < 0.9 < found.high < 1


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_intervals_cover(shape: Shape) -> None:
    """1,500 samples of 8 pairs: the standard error at 95 % is 0.6 %."""
    assert difference_coverage(shape, 8, 0.5, 1500) >= 0.935
    assert improvement_coverage(shape, 8, 0.5, 1500) >= 0.95
