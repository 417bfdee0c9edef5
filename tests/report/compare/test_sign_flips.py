"""Tests of paired differences: against scipy, by hand, and how often they find one where there is none."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from ddpg.report.compare import sign_flips
from ddpg.report.compare.difference import DRAWN
from ddpg.report.compare.sign_flips import MOST_EXACT, paired_t_test, sign_flip_test, smallest_p
from interval_coverage import SHAPES, Shape
from paired_coverage import wrong


def scores(pairs: int, shift: float = 0.0, seed: int = 0) -> NDArray[np.float64]:
    return np.random.default_rng(seed).normal(shift, size=pairs)


@pytest.mark.parametrize("pairs", [2, 5, 8])
def test_the_exact_sign_flip_test_is_that_of_scipy(pairs: int) -> None:
    one, other = scores(pairs, 0.5), scores(pairs, seed=1)
    expected = stats.permutation_test(
        (one, other), lambda a, b, axis: np.abs((a - b).mean(axis=axis)), permutation_type="samples",
        alternative="greater", n_resamples=np.inf,
    )  # fmt: skip
    found = sign_flip_test(one, other)
    assert found.exact
    assert found.p == pytest.approx(expected.pvalue, abs=1e-12)


def test_ranks_give_the_test_of_wilcoxon() -> None:
    """Of differences 1, -2, 3 ... the sum with flipped signs is Wilcoxon's statistic, whose distribution is known."""
    pairs = 25
    differences = np.arange(1.0, pairs + 1) * np.where(np.random.default_rng(3).random(pairs) < 0.7, 1, -1)
    expected = stats.wilcoxon(differences, method="exact").pvalue
    assert sign_flip_test(differences, np.zeros(pairs)).p == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("pairs", [3, 5, 6, 17])
def test_the_smallest_p_value_is_that_of_differences_of_one_sign(pairs: int) -> None:
    assert smallest_p(pairs) == 2 / 2**pairs
    assert sign_flip_test(scores(pairs, 100.0), scores(pairs)).p == smallest_p(pairs)


def test_ties_tell_nothing() -> None:
    """Two pairs that failed on both sides leave 6, of which all have one sign."""
    one = np.array([-7.0, 1, 2, 3, -7, 4, 5, 6])
    other = np.array([-7.0, 0, 0, 0, -7, 0, 0, 0])
    assert sign_flip_test(one, other).p == smallest_p(6)
    assert sign_flip_test(other, other).p == 1


def test_rounding_makes_no_difference_between_equal_flips() -> None:
    """The differences are 0.2, -0.2, 0.2 and -0.2 but for rounding."""
    one, other = np.array([0.3, 0.1, 0.3, 0.1]), np.array([0.1, 0.3, 0.1, 0.3])
    assert sign_flip_test(one, other).p == 1
    assert sign_flip_test(1e9 + one, 1e9 + other).p == 1
    assert sign_flip_test(one[[0, 0, 0, 1]], other[[0, 0, 0, 1]]).p == 10 / 16


def test_more_pairs_are_tested_by_drawn_flips(monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = scores(18, 0.6), scores(18, seed=1)
    exact = sign_flip_test(one, other)
    monkeypatch.setattr(sign_flips, "MOST_EXACT", 17)
    drawn = sign_flip_test(one, other)
    assert not drawn.exact
    assert drawn.error == pytest.approx(np.sqrt(drawn.p * (1 - drawn.p) / DRAWN), rel=1e-3)
    assert abs(drawn.p - exact.p) < 4 * drawn.error
    assert sign_flip_test(scores(60, 9.0), scores(60)).p == 1 / (DRAWN + 1)
    assert MOST_EXACT == 36


def test_the_paired_t_test_is_that_of_scipy() -> None:
    one, other = scores(7, 1.0), scores(7, seed=1)
    expected = stats.ttest_rel(one, other)
    interval = expected.confidence_interval(0.95)
    found = paired_t_test(one, other)
    assert found is not None
    assert (found.p, found.low, found.high) == pytest.approx((expected.pvalue, interval.low, interval.high))


def test_paired_t_without_variance_and_with_a_single_pair() -> None:
    assert paired_t_test(np.array([1.0]), np.array([0.0])) is None
    for shift, p in ((0.0, 1.0), (0.1, 0.0)):
        found = paired_t_test(scores(4) + shift, scores(4))
        assert found is not None
        assert (found.p, found.low, found.high) == pytest.approx((p, shift, shift))


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
@pytest.mark.parametrize("correlation", [-0.5, 0.0, 0.9])
def test_false_positives_whatever_pairs_have_in_common(shape: Shape, correlation: float) -> None:
    """2,000 samples of 8 pairs: the standard error at 5 % is 0.5 %."""
    assert wrong(shape, 8, correlation, 2000).paired <= 0.06


def test_who_takes_the_better_of_two_tests_is_wrong_more_often() -> None:
    """The text says `in up to 7 %`; 5,000 samples: a standard error of 0.35 %."""
    found = wrong(SHAPES[0], 8, 0.0, 5000)
    assert 0.058 < found.better_of_both < 0.075
    assert max(found.paired, found.unpaired) < 0.06
