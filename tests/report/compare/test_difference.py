"""Tests of a difference: against scipy, by hand, and how often they find one where there is none."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from ddpg.report.compare.difference import (
    DRAWN,
    divisions,
    hedges_g,
    holm,
    p_value,
    permutation_p,
    permutation_test,
    pooled_deviation,
    smallest_p,
    welch,
)
from interval_coverage import SHAPES, Shape, false_positives


def scores(seeds: int, shift: float = 0.0, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(shift, size=seeds)


@pytest.mark.parametrize(("first", "second"), [(3, 3), (5, 5), (4, 7), (2, 6)])
def test_the_exact_permutation_test_is_that_of_scipy(first: int, second: int) -> None:
    one, other = scores(first, 1.0), scores(second, seed=1)

    def distance(a: NDArray[np.float64], b: NDArray[np.float64], axis: int) -> NDArray[np.float64]:
        return np.abs(a.mean(axis=axis) - b.mean(axis=axis))

    expected = stats.permutation_test((one, other), distance, alternative="greater", n_resamples=np.inf)
    found = permutation_test(one, other)
    assert found.exact
    assert found.error == 0
    assert found.p == pytest.approx(expected.pvalue, abs=1e-12)


def test_ten_seeds_are_tested_exactly_and_more_by_drawn_divisions() -> None:
    assert len(divisions(10, 10)[0]) == 184_756
    one, other = scores(12, 0.9), scores(12, seed=1)
    found = permutation_test(one, other)
    assert not found.exact
    chosen, _ = divisions(12, 12)
    assert len(chosen) == DRAWN + 1
    assert (chosen.sum(axis=1) == 12).all()
    assert chosen[0].tolist() == [1.0] * 12 + [0.0] * 12
    expected = stats.permutation_test(
        (one, other), lambda a, b, axis: np.abs(a.mean(axis=axis) - b.mean(axis=axis)), alternative="greater",
        n_resamples=4000, vectorized=True, rng=np.random.default_rng(5),
    )  # fmt: skip
    assert abs(found.p - expected.pvalue) < 4 * np.sqrt(0.25 / 4000) / 2


@pytest.mark.parametrize(("seeds", "smallest"), [(3, 0.1), (4, 2 / 70), (5, 2 / 252)])
def test_the_smallest_p_value_is_that_of_the_clearest_difference(seeds: int, smallest: float) -> None:
    assert smallest_p(seeds, seeds) == pytest.approx(smallest)
    assert permutation_test(scores(seeds), scores(seeds, 100.0)).p == pytest.approx(smallest)


def test_rounding_makes_no_difference_between_equal_divisions() -> None:
    """0.1 + 0.2 is not 0.3 for a computer."""
    one, other = np.array([0.1, 0.2, 0.3, 0.1, 0.2]), np.array([0.3, 0.1, 0.2, 0.2, 0.1])
    assert permutation_test(one, other).p == 1
    assert permutation_test(1e9 + one, 1e9 + other).p == 1


def test_welch_is_that_of_scipy() -> None:
    one, other = scores(5, 1.0), 3 * scores(8, seed=1)
    expected = stats.ttest_ind(one, other, equal_var=False)
    interval = expected.confidence_interval(0.95)
    found = welch(one, other)
    assert found is not None
    assert (found.p, found.low, found.high) == pytest.approx((expected.pvalue, interval.low, interval.high))


def test_welch_without_variance_and_with_a_single_score() -> None:
    assert welch(np.array([1.0]), scores(5)) is None
    assert welch(np.full(3, 2.0), np.full(4, 2.0)) == (welch(np.full(3, 2.0), np.full(3, 2.0)))
    found = welch(np.full(3, 2.0), np.full(3, 1.0))
    assert found is not None
    assert (found.p, found.low, found.high) == (0.0, 1.0, 1.0)


def test_unequal_numbers_of_seeds_need_both_tests() -> None:
    assert p_value(scores(5), scores(5), 0.01, 0.2) == 0.01
    assert p_value(scores(5), scores(4), 0.01, 0.2) == 0.2


def test_effect_sizes_by_hand() -> None:
    one, other = np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 6.0])
    assert pooled_deviation(one, other) == pytest.approx(np.sqrt((1 + 4) / 2))
    assert hedges_g(other, one) == pytest.approx(2 / np.sqrt(2.5) * (1 - 3 / 15))
    assert hedges_g(np.full(3, 0.1), np.full(3, 0.3)) is None  # their computed deviation is 1e-17
    assert pooled_deviation(np.array([1.0]), np.array([2.0])) is None


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
@pytest.mark.parametrize("seeds", [3, 5, 10, 20])
def test_false_positives_are_at_most_five_and_a_half_percent(shape: Shape, seeds: int) -> None:
    """20,000 samples: the standard error at 5 % is 0.15 %, so that 5.5 % are more than 3 of them above."""
    share = false_positives(shape, seeds, seeds, 20_000)
    assert share <= 0.055
    if seeds == 3:
        assert share == 0  # its smallest p-value is 0.1


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_false_positives_of_unequally_many_seeds(shape: Shape) -> None:
    """2,000 samples of 4 and 8 seeds: the standard error at 5 % is 0.5 %."""
    assert false_positives(shape, 4, 8, 2000) <= 0.055


def test_any_false_positive_among_several_environments_is_as_rare() -> None:
    """Holm over 4 environments, 5 seeds, 5,000 samples: the standard error at 5 % is 0.3 %."""
    generator = np.random.default_rng(0)
    chosen, _ = divisions(5, 5)
    one, other = (generator.lognormal(0, 0.75, size=(5000, 4, 5)) for _ in range(2))
    p_values = permutation_p(one, other, chosen)
    wrong = np.mean([min(holm(list(some))) <= 0.05 for some in p_values])
    assert wrong <= 0.055
