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
