"""Scores over environments: against rliable, by hand, and how often their intervals cover."""

import numpy as np
import pytest
from scipy import stats

from ddpg.report.compare.overall import THRESHOLDS, normalized, optimality_gap, overall_iqm, overall_mean, profile
from ddpg.report.intervals import iqm_interval
from interval_coverage import SHAPES, Shape, overall_coverage, profile_coverage


def test_the_same_numbers_as_rliable() -> None:
    """Agarwal et al. 2021: all runs of all environments together."""
    metrics = pytest.importorskip("rliable.metrics")
    library = pytest.importorskip("rliable.library")
    runs = np.random.default_rng(0).uniform(-0.2, 1.3, size=(5, 4))
    scores = list(runs.T)
    assert overall_mean(scores).value == pytest.approx(metrics.aggregate_mean(runs))
    assert overall_iqm(scores).value == pytest.approx(metrics.aggregate_iqm(runs))
    assert optimality_gap(scores).value == pytest.approx(metrics.aggregate_optimality_gap(runs))
    expected = [library.run_score_deviation(runs, threshold) for threshold in THRESHOLDS]
    np.testing.assert_allclose(profile(scores).share, expected, rtol=1e-12)


def test_the_interval_of_the_mean_over_one_environment_is_student_s() -> None:
    found = overall_mean([np.array([1.0, 2.0, 3.0])])
    assert (found.low, found.high) == pytest.approx((2 - 4.3027 / np.sqrt(3), 2 + 4.3027 / np.sqrt(3)), abs=1e-3)


def test_the_interval_of_the_iqm_over_one_environment_is_that_of_a_trimmed_mean() -> None:
    scores = np.random.default_rng(0).normal(size=9)
    bounds = iqm_interval(scores)
    assert bounds is not None
    found = overall_iqm([scores])
    assert (found.low, found.high) == pytest.approx(tuple(bounds))


def test_equal_scores_at_the_ends_of_the_middle_half_belong_to_no_environment_more_than_to_another() -> None:
    one, other = np.array([0.0, 0.0, 0.5, 1.0]), np.array([0.0, 0.2, 1.0, 1.0])
    assert overall_iqm([one, other]) == pytest.approx(overall_iqm([other, one]))


def test_a_single_seed_has_no_interval() -> None:
    assert np.isnan(overall_iqm([np.array([1.0, 2.0]), np.array([3.0])]).low)
    assert overall_mean([np.full(3, 0.5), np.full(3, 0.7)]) == pytest.approx((0.6, 0.6, 0.6))


def test_normalized_by_hand() -> None:
    assert normalized(np.array([-100.0, 0.0, 100.0]), -100.0, 100.0).tolist() == [0, 0.5, 1]
    assert normalized(np.array([7.0, 7.0]), 7.0, 7.0).tolist() == [0, 0]


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
def test_intervals_over_environments_cover(shape: Shape) -> None:
    """5 environments, 5 seeds, 500 samples: the standard error is 1.2 %; docs/statistics.md has the table."""
    for estimate in (overall_mean, overall_iqm, optimality_gap):
        assert overall_coverage(shape, 5, 500, estimate) >= 0.88


def test_the_band_of_a_profile_in_one_environment_is_clopper_pearson_s() -> None:
    found = profile([np.array([0.25, 0.55, 0.75])])
    for place, above in ((0, 3), (50, 2), (60, 1), (90, 0)):
        expected = stats.binomtest(above, 3).proportion_ci(0.95, method="exact")
        assert (found.low[place], found.high[place]) == pytest.approx((expected.low, expected.high))


@pytest.mark.parametrize("seeds", [3, 10])
def test_the_band_of_a_profile_covers(seeds: int) -> None:
    """400 samples: the standard error at 95 % is 1.1 %."""
    assert profile_coverage(seeds, 400).min() >= 0.94
