"""The winner's curse, measured on trials whose true scores are known."""

import numpy as np
import pytest

from ddpg.search.selection import interval, optimism


@pytest.mark.parametrize(
    ("trials", "spread", "of_seeds"), [(10, 0.0, 0.0), (50, 0.0, 0.0), (50, 1.0, 0.0), (50, 1.0, 20.0)]
)
def test_what_a_choice_flatters(trials: int, spread: float, of_seeds: float) -> None:
    """The mean estimate of many studies is what the choice flattered in them.

    Seeds that are hard or easy for all trials change nothing.
    """
    rng = np.random.default_rng(1)
    true = spread * rng.standard_normal((2000, trials))
    scores = true[..., None] + rng.standard_normal((2000, trials, 3))
    means = scores.mean(axis=2)
    best = means.argmax(axis=1)
    rows = np.arange(2000)
    flattered = (means[rows, best] - true[rows, best]).mean()
    common = of_seeds * rng.standard_normal((500, 1, 3))
    estimates = [optimism(study.tolist(), maximize=True) for study in scores[:500] + common]
    assert np.mean(estimates) == pytest.approx(flattered, rel=0.25)


def test_a_score_with_an_upper_end_flatters_little() -> None:
    """Half of the trials reach the end on every seed; the others fail on some, by much."""
    rng = np.random.default_rng(0)
    solved = -150 + rng.normal(0, 1, (20, 3))
    failing = np.where(rng.random((20, 3)) < 0.5, -1500, -150)
    scores = np.concatenate([solved, failing]) + np.array([-10, 0, 20])
    assert 0 <= optimism(scores.tolist(), maximize=True) < 3  # type: ignore[operator]


def test_small_scores_are_good_as_well_and_one_seed_shows_no_noise() -> None:
    scores = np.random.default_rng(0).standard_normal((20, 3))
    assert optimism((-scores).tolist(), maximize=False) == optimism(scores.tolist(), maximize=True)
    assert optimism(scores[:, :1].tolist(), maximize=True) is None


def test_intervals() -> None:
    """Of a mean as scipy's, 4.303 standard errors for three scores; of a median between scores, for six and more."""
    mean, low, high = interval([1.0, 2.0, 3.0], "mean")
    assert (mean, low, high) == (2.0, pytest.approx(2 - 4.3027 / 3**0.5, abs=1e-4), pytest.approx(4.4841, abs=1e-4))
    ten = [float(score) for score in range(10)]
    assert interval(ten, "median") == (4.5, 1.0, 8.0)  # covers 1 - 2 * 11 / 1024
    assert interval(ten[:6], "median") == (2.5, 0.0, 5.0)
    assert interval(ten[:5], "median") == (2.0, None, None)
    assert interval(ten, "min") == (0.0, None, None)


def test_the_choice_flatters_a_median_as_well() -> None:
    studies = np.random.default_rng(0).standard_normal((200, 20, 5))
    mean = np.mean([optimism(study.tolist(), maximize=True) for study in studies])
    median = np.mean([optimism(study.tolist(), maximize=True, over_seeds="median") for study in studies])
    assert mean < median < 1.4 * mean  # the median of five normal numbers spreads 1.2 times as much
