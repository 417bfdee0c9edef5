"""Solved rates and the place of the next run: against scipy, by hand and by simulation."""

import numpy as np
import pytest
from scipy import stats

from ddpg.report.compare.single_runs import FREE, between_extremes, next_run, solved_rate, unseen_failures


@pytest.mark.parametrize(("solved", "runs"), [(0, 5), (3, 5), (5, 5), (1, 1)])
def test_the_interval_of_a_rate_is_that_of_scipy(solved: int, runs: int) -> None:
    expected = stats.binomtest(solved, runs).proportion_ci(0.95, method="exact")
    found = solved_rate(solved, runs)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_five_of_five_may_fail_in_45_percent() -> None:
    assert unseen_failures(5) == pytest.approx(0.4507, abs=1e-4)
    assert (1 - unseen_failures(5)) ** 5 == pytest.approx(0.05)


def test_next_run_by_hand() -> None:
    found = next_run(np.array([1.0, 2.0, 3.0]))
    assert found is not None
    assert not found.for_any_distribution
    assert (found.low, found.high) == pytest.approx((2 - 4.303 * np.sqrt(4 / 3), 2 + 4.303 * np.sqrt(4 / 3)), abs=1e-3)
    assert next_run(np.array([1.0])) is None


def test_many_runs_need_no_assumption() -> None:
    for runs, left_out in ((FREE, 1), (100, 2)):
        found = next_run(np.arange(1.0, runs + 1))
        assert found is not None
        assert found.for_any_distribution
        assert (found.low, found.high) == (left_out, runs + 1 - left_out)
        assert found.share >= 0.95
    shorter = next_run(np.arange(FREE - 1.0))
    assert shorter is not None
    assert not shorter.for_any_distribution


def test_the_next_run_is_between_the_extremes_as_often_as_they_say() -> None:
    runs = np.random.default_rng(0).lognormal(size=(20_000, 6))
    inside = (runs[:, 5] > runs[:, :5].min(axis=1)) & (runs[:, 5] < runs[:, :5].max(axis=1))
    assert inside.mean() == pytest.approx(between_extremes(runs[0, :5]).share, abs=0.01)
