"""Scores of known curves by every convention."""

import gzip
from pathlib import Path

import numpy as np
import pytest
from support.report_runs import RETURN, sample

from ddpg.report.metric import Metric
from ddpg.report.statistics import conventions, max_of_mean, scores


def test_max_of_mean_gives_the_table_of_td3() -> None:
    """Trap 21: 9636.95 ± 859.07 for HalfCheetah in Table 1 of Fujimoto et al. 2018, from the curves they published."""
    with gzip.open(Path(__file__).parents[1] / "data" / "td3_halfcheetah.txt.gz", "rt") as file:
        curves = sample(np.loadtxt(file))
    assert curves.values.shape == (10, 201)
    found = {score.convention: score for score in scores(curves, Metric(RETURN))}
    published = found["max of the mean evaluation"]
    assert published.mean == pytest.approx(9636.95, abs=0.01)
    assert published.std == pytest.approx(859.07, abs=0.01)
    assert published.step == 100 * 195
    assert found["last evaluation"].mean < published.mean - 20  # the other conventions say something else
    assert found["last 10 evaluations"].mean < published.mean - 20


def test_max_of_mean_is_no_mean_of_maxima() -> None:
    """Trap 21: the place is chosen once, for all seeds."""
    assert max_of_mean(np.array([[9.0, 5.0, 0.0], [0.0, 5.0, 8.0]])) == 1


def test_conventions_by_hand() -> None:
    evaluations = np.arange(12.0)
    one = sample([evaluations, 2 * evaluations - 30 * (evaluations == 11)], [[0, *[1] * 100], [5] * 120])
    found = {name: (step, values.tolist()) for _, name, step, values in conventions(one, Metric(RETURN))}
    assert found == {
        "last evaluation": (1100, [11, -8]),
        "last 10 evaluations": (1100, [6.5, 10.0]),
        "max of the mean evaluation": (1000, [10, 20]),
        "last 100 training episodes": (1100, [1, 5]),
    }


def test_conventions_of_short_runs_name_how_many_values_there_were() -> None:
    names = [name for _, name, _, _ in conventions(sample([[1, 2, 3], [1, 2, 3]], [[1, 2], [1, 2, 3]]), Metric(RETURN))]
    assert names == [
        "last evaluation", "last 2 evaluations", "max of the mean evaluation", "last 2 training episodes",
    ]  # fmt: skip
    names = [name for _, name, _, _ in conventions(sample([[1], [1]], [[], [1]]), Metric(RETURN))]
    assert names == ["last evaluation", "max of the mean evaluation"]


def test_a_metric_has_only_the_conventions_that_fit_it() -> None:
    """The returns of training episodes are no values of a loss, and its largest is not its best."""
    curves = sample([[1, 2, 3], [1, 2, 3]], [[1, 2], [1, 2, 3]])
    for metric, names in (
        ("losses/qf1_loss", ["last value", "last 2 values"]),
        ("eval/episodic_length", ["last evaluation", "last 2 evaluations"]),
        ("charts/episodic_length", ["last 2 training episodes"]),
        ("info/is_success", ["last 2 training episodes"]),
        ("charts/episodic_return", ["last 2 training episodes"]),
    ):
        assert [name for _, name, _, _ in conventions(curves, Metric(metric))] == names
