"""Scores of known curves by every convention, and their intervals."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from support.report_runs import RETURN, sample

from ddpg.report.metric import Metric
from ddpg.report.statistics import ENOUGH, Estimates, conventions, iqm, max_of_mean


def test_max_of_mean_gives_the_table_of_td3() -> None:
    """Trap 21: 9636.95 ± 859.07 for HalfCheetah in Table 1 of Fujimoto et al. 2018, from the curves they published."""
    with gzip.open(Path(__file__).parents[1] / "data" / "td3_halfcheetah.txt.gz", "rt") as file:
        curves = sample(np.loadtxt(file))
    assert curves.values.shape == (10, 201)
    scores = {score.convention: score for score in Estimates(100).scores(curves, Metric(RETURN))}
    published = scores["max of the mean evaluation"]
    assert published.mean == pytest.approx(9636.95, abs=0.01)
    assert published.std == pytest.approx(859.07, abs=0.01)
    assert published.step == 100 * 195
    assert scores["last evaluation"].mean < published.mean - 20  # the other conventions say something else
    assert scores["last 10 evaluations"].mean < published.mean - 20


def test_max_of_mean_is_no_mean_of_maxima() -> None:
    """Trap 21: the place is chosen once, for all seeds."""
    assert max_of_mean(np.array([[9.0, 5.0, 0.0], [0.0, 5.0, 8.0]])) == 1


def test_iqm_by_hand() -> None:
    assert iqm(np.array([100.0, 2.0, 3.0, -50.0])) == 2.5
    assert iqm(np.array([1.0, 2.0, 9.0])) == 4.0
    assert iqm(np.array([8, 7, 100, 1, 2, 5, 6, -100.0])) == (2 + 5 + 6 + 7) / 4


def test_conventions_by_hand() -> None:
    evaluations = np.arange(12.0)
    one = sample([evaluations, 2 * evaluations - 30 * (evaluations == 11)], [[0, *[1] * 100], [5] * 120])
    scores = {name: (step, values.tolist()) for _, name, step, values in conventions(one, Metric(RETURN))}
    assert scores == {
        "last evaluation": (1100, [11, -8]),
        "last 10 evaluations": (1100, [6.5, 10.0]),
        "max of the mean evaluation": (1000, [10, 20]),
        "last 100 training episodes": (1100, [1, 5]),
    }


def test_conventions_of_short_runs_name_how_many_values_there_were() -> None:
    names = [name for _, name, _, _ in conventions(sample([[1, 2, 3], [1, 2, 3]], [[1, 2], [1, 2, 3]]), Metric(RETURN))]
    assert names == [
        "last evaluation", "last 3 evaluations", "max of the mean evaluation", "last 2 training episodes",
    ]  # fmt: skip
    names = [name for _, name, _, _ in conventions(sample([[1], [1]], [[], [1]]), Metric(RETURN))]
    assert names == ["last evaluation", "max of the mean evaluation"]


def test_a_metric_has_only_the_conventions_that_fit_it() -> None:
    """The returns of training episodes are no values of a loss, and its largest is not its best."""
    curves = sample([[1, 2, 3], [1, 2, 3]], [[1, 2], [1, 2, 3]])
    for metric, names in (
        ("losses/qf1_loss", ["last value", "last 3 values"]),
        ("eval/episodic_length", ["last evaluation", "last 3 evaluations"]),
        ("charts/episodic_length", ["last 2 training episodes"]),
        ("info/is_success", ["last 2 training episodes"]),
        ("charts/episodic_return", ["last 2 training episodes"]),
    ):
        assert [name for _, name, _, _ in conventions(curves, Metric(metric))] == names


def test_no_interval_for_fewer_than_three_seeds() -> None:
    estimates = Estimates(50)
    assert estimates.interval(np.array([[1.0], [2.0]])) is None
    bounds = estimates.interval(np.array([[1.0, 10.0], [2.0, 20.0], [4.0, 40.0]]))
    assert bounds is not None
    assert bounds.shape == (2, 2)
    assert (bounds[0] < [7 / 3, 70 / 3]).all()
    assert (bounds[1] > [7 / 3, 70 / 3]).all()


def test_interval_of_three_seeds_against_all_resamples() -> None:
    """27 resamples of (0, 3, 6): the mean is 0 or 6 in 1 of 27 each, more than 2.5 %; so the bounds are 0 and 6."""
    bounds = Estimates(4000).interval(np.array([[0.0], [3.0], [6.0]]))
    assert bounds is not None
    assert bounds[:, 0].tolist() == [0, 6]


def test_bounds_of_a_curve_are_from_the_same_seeds_at_every_step() -> None:
    values = np.random.default_rng(3).normal(size=(3, 1))
    bounds = Estimates(30).interval(np.tile(values, 50))
    assert bounds is not None
    assert (bounds == bounds[:, :1]).all()


def test_intervals_are_repeatable_and_leave_the_global_generator_alone() -> None:
    values = np.random.default_rng(0).normal(size=(6, 4))
    np.random.seed(5)
    expected = np.random.random(3)
    np.random.seed(5)
    first = Estimates(200).interval(values)
    np.testing.assert_array_equal(np.random.random(3), expected)
    np.testing.assert_array_equal(Estimates(200).interval(values), first)


@pytest.mark.parametrize("seeds", range(1, 13))
def test_the_same_numbers_as_rliable(seeds: int) -> None:
    """Agarwal et al. 2021, whose package needs pandas and statsmodels; both draw the same resamples."""
    library = pytest.importorskip("rliable.library")
    metrics = pytest.importorskip("rliable.metrics")
    values = np.random.default_rng(seeds).normal(size=(seeds, 1))
    np.random.seed(0)
    points, bounds = library.get_interval_estimates(
        {"": values}, lambda x: np.array([metrics.aggregate_iqm(x)]), reps=300
    )
    np.testing.assert_allclose(iqm(values), points[""], rtol=1e-14)
    own = Estimates(300).interval(values)
    assert (own is None) == (seeds < ENOUGH)
    if own is not None:
        np.testing.assert_allclose(own, bounds[""], rtol=1e-14)
