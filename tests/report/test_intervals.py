"""Interquartile means, and intervals: by hand, against scipy and rliable, and how often they cover."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from ddpg.report.intervals import (
    IQM_COVERAGE,
    MEAN_COVERAGE,
    explanation,
    iqm,
    iqm_explanation,
    iqm_interval,
    mean_interval,
)
from interval_coverage import SHAPES, Shape, coverage


def test_iqm_by_hand() -> None:
    assert iqm(np.array([100.0, 2.0, 3.0, -50.0])) == 2.5
    assert iqm(np.array([1.0, 2.0, 9.0])) == 4.0
    assert iqm(np.array([8, 7, 100, 1, 2, 5, 6, -100.0])) == (2 + 5 + 6 + 7) / 4


@pytest.mark.parametrize("interval", [mean_interval, iqm_interval])
def test_no_interval_for_fewer_than_three_seeds(interval: Callable[..., Any]) -> None:
    assert interval(np.array([[1.0], [2.0]])) is None
    bounds = interval(np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]]))
    assert bounds.shape == (2, 2)
    np.testing.assert_allclose(10 * bounds[:, 0], bounds[:, 1])


def test_the_interval_of_the_mean_is_that_of_scipy() -> None:
    values = np.random.default_rng(0).normal(size=(6, 3))
    expected = stats.ttest_1samp(values, 0, axis=0).confidence_interval(0.95)
    np.testing.assert_allclose(mean_interval(values), [expected.low, expected.high])


def test_the_interval_of_the_iqm_has_the_error_of_scipy_s_trimmed_test() -> None:
    """Yuen's test of a sample against its negative: t = 2 m / sqrt(2 e^2), with m the trimmed mean and e its error."""
    values = np.random.default_rng(1).normal(1.0, size=(11, 2))
    yuen = stats.ttest_ind(values, -values, axis=0, trim=0.2, equal_var=False)  # cuts floor(0.2 * 11) = 2 = 11 // 4
    center = stats.trim_mean(values, 0.2, axis=0)
    half = stats.t.ppf(0.975, 6) * np.sqrt(2) * center / yuen.statistic
    np.testing.assert_allclose(iqm_interval(values), [center - half, center + half])


@pytest.mark.parametrize("seeds", range(1, 13))
def test_the_same_iqm_as_rliable(seeds: int) -> None:
    """Agarwal et al. 2021, whose package needs pandas and statsmodels."""
    metrics = pytest.importorskip("rliable.metrics")
    values = np.random.default_rng(seeds).normal(size=(seeds, 1))
    np.testing.assert_allclose(iqm(values), metrics.aggregate_iqm(values), rtol=1e-14)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
@pytest.mark.parametrize("seeds", [3, 5, 10, 20])
def test_intervals_cover_as_often_as_the_report_says(shape: Shape, seeds: int) -> None:
    """20,000 samples: the standard error of a share is at most 0.36 %, so 1.5 % are beyond 4 of them."""
    for interval, said, true in (
        (mean_interval, MEAN_COVERAGE, shape.mean),
        (iqm_interval, IQM_COVERAGE, shape.iqm),
    ):
        found = coverage(shape, seeds, 20_000, interval, true)
        assert 100 * found == pytest.approx(said[shape.name][seeds], abs=1.5)


def test_the_coverage_is_named_in_words() -> None:
    assert "with 3, 5, 10, 20 seeds in 95, 95, 95, 95 % with normal returns; 89, 88, 89, 90 % with" in explanation()
    assert "trimmed mean" in iqm_explanation()
