"""Arrays of numbers in a page: how many they are, and what comes back."""

import numpy as np
import pytest

from ddpg.report.arrays import decode, encode_steps, encode_values, size


@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 400])
def test_size_is_that_of_what_is_read(count: int) -> None:
    spaced = 20.0 * np.arange(count)
    uneven = np.cumsum(np.arange(count) % 3 + 1.0)
    for array in (encode_steps(spaced), encode_steps(uneven), encode_values(uneven), encode_values(spaced * 0 - 7)):
        assert size(array) == len(decode(array)) == count
    assert decode(encode_steps(uneven)) == pytest.approx(uneven, abs=0)


def test_small_positive_values_keep_their_digits() -> None:
    """A logarithmic axis shows them as well as the large ones."""
    falling = np.geomspace(1e4, 1e-4, 50)
    assert decode(encode_values(falling)) == pytest.approx(falling, rel=1e-6)
    assert encode_values(np.geomspace(1, 900, 50))["base"] == "u16"
    assert encode_values(np.array([1e-300, 1e300]))["base"] == "u16"
