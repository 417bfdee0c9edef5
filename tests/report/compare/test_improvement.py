"""The probability of improvement: against rliable, by hand, and how often its interval covers."""

import numpy as np
import pytest

from ddpg.report.compare.improvement import Improvement, bounds, improvement, mean_improvement
from interval_coverage import SHAPES, Shape, improvement_coverage


def test_by_hand() -> None:
    found = improvement(np.array([1.0, 3.0]), np.array([2.0, 3.0, 0.0]))
    assert found.probability == pytest.approx((0 + 0 + 1 + 1 + 0.5 + 1) / 6)


def test_the_same_probability_as_rliable() -> None:
    """Agarwal et al. 2021, averaged over environments."""
    metrics = pytest.importorskip("rliable.metrics")
    generator = np.random.default_rng(0)
    one, other = generator.normal(0.5, size=(6, 3)), generator.normal(size=(4, 3))
    found = mean_improvement([improvement(one[:, place], other[:, place]) for place in range(3)])
    assert found.probability == pytest.approx(metrics.probability_of_improvement(one, other))


def test_few_runs_that_are_all_better_are_not_certain() -> None:
    found = improvement(np.arange(5.0) + 10, np.arange(5.0))
    assert found.probability == found.high == 1
    assert 0.5 < found.low < 0.6
    assert improvement(np.arange(5.0), np.arange(5.0) + 10).high == pytest.approx(1 - found.low)
    assert improvement(np.array([1.0]), np.array([0.0])) == (1.0, 0.0, 1.0)


def test_bounds_solve_their_equation() -> None:
    low, high = bounds(0.7, 6, 6)
    for theta in (low, high):
        factor = 1 + 5 * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        assert (0.7 - theta) ** 2 == pytest.approx(2.2281**2 * theta * (1 - theta) * factor / 36, rel=1e-4)


def test_the_mean_over_environments_is_between() -> None:
    found = mean_improvement([Improvement(0.5, 0.3, 0.7), Improvement(0.9, 0.5, 1.0)])
    assert found == pytest.approx((0.7, 0.7 - np.hypot(0.2, 0.4) / 2, 0.7 + np.hypot(0.2, 0.1) / 2))


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.name)
@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_the_interval_covers(shape: Shape, seeds: int) -> None:
    """5,000 samples: the standard error at 95 % is 0.3 %."""
    assert improvement_coverage(shape, seeds, 5000) >= 0.94
