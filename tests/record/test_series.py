"""Values over env steps, their means, and step numbers in short."""

import math

import numpy as np

from ddpg.record.series import moving_mean, series, short_number


def test_series_skips_rows_without_the_metric() -> None:
    rows = [
        {"env_step": 100, "charts/episodic_return": -9.0},
        {"env_step": 200, "eval/episodic_return": -3.0, "eval/episodic_return_std": 0.5},
        {"env_step": 300, "eval/episodic_return": math.nan, "eval/episodic_return_std": 0.5},
        {"env_step": 400, "eval/episodic_return": -1.0},
    ]
    steps, mean, std = series(rows, "eval/episodic_return", "eval/episodic_return_std")
    np.testing.assert_equal(steps, [200.0, 400.0])
    np.testing.assert_equal(mean, [-3.0, -1.0])
    np.testing.assert_equal(std, [0.5, math.nan])


def test_moving_mean_against_its_definition() -> None:
    values = np.random.default_rng(0).normal(size=30)
    wanted = [values[max(0, i - 6) : i + 1].mean() for i in range(30)]
    np.testing.assert_allclose(moving_mean(values, 7), wanted)


def test_numbers_on_the_axis() -> None:
    assert [short_number(n) for n in (0, 500, 20000, 2500, 1.5e6)] == ["0", "500", "20k", "2.5k", "1.5M"]
