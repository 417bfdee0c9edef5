"""The smallest difference and the seeds that it needs: against scipy's noncentral t, and against simulated tests."""

from math import inf

import pytest
from scipy.stats import nct, t

from ddpg.report.compare.power import MOST_SEEDS, power, seeds_needed, smallest_effect
from interval_coverage import power_of_test


@pytest.mark.parametrize(("first", "second"), [(5, 5), (4, 9), (14, 14)])
@pytest.mark.parametrize("effect", [0.0, 0.5, 1.5, -2.0])
def test_power_is_that_of_the_noncentral_t(first: int, second: int, effect: float) -> None:
    freedom, shift = first + second - 2, effect / (1 / first + 1 / second) ** 0.5
    critical = t.ppf(0.975, freedom)
    expected = nct.sf(critical, freedom, shift) + nct.cdf(-critical, freedom, shift)
    assert power(effect, first, second, 0.05) == pytest.approx(expected, abs=3e-5)


@pytest.mark.parametrize(("seeds", "effect"), [(5, 1.0), (5, 2.0), (10, 1.0)])
def test_the_permutation_test_finds_nearly_as_much(seeds: int, effect: float) -> None:
    """4,000 samples: a standard error of at most 0.8 %; with 5 seeds the permutation test has steps of 2 / 252."""
    assert power_of_test(effect, seeds, 4000) == pytest.approx(power(effect, seeds, seeds, 0.05), abs=0.03)


def test_the_numbers_of_the_literature() -> None:
    """Colas et al. 2018: effects of 1 standard deviation need 17 seeds; Welch with 5 seeds finds it in 27 of 100."""
    assert seeds_needed(1.0, 0.05) == 17
    assert power(1.0, 5, 5, 0.05) == pytest.approx(0.27, abs=0.02)


def test_what_is_found_in_eight_of_ten_cases() -> None:
    effect = smallest_effect(5, 5, 0.05)
    assert power(effect, 5, 5, 0.05) == pytest.approx(0.8)
    assert seeds_needed(effect * 1.001, 0.05) == 5
    assert seeds_needed(effect * 0.999, 0.05) == 6


def test_three_seeds_find_nothing_however_large_it_is() -> None:
    assert smallest_effect(3, 3, 0.05) == inf
    assert power(50.0, 3, 3, 0.05) == 0
    assert seeds_needed(50.0, 0.05) == 4  # with 4 the smallest p-value is 0.029
    assert seeds_needed(50.0, 0.01) == 5


def test_tiny_effects_need_too_many_seeds() -> None:
    assert seeds_needed(0.01, 0.05) is None
    assert MOST_SEEDS >= (seeds_needed(0.05, 0.05) or 0) > 6000
