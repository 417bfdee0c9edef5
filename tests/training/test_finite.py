"""Numbers that stop a run, and numbers that do not."""

from typing import Any

import numpy as np
import pytest
import torch

from ddpg.training.finite import finite


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (1.5, True),
        (np.nan, False),
        (torch.tensor(-torch.inf), False),
        (np.full(3, 3e38, np.float32), True),  # their sum is not
        (np.array([0.0, np.nan, 1.0]), False),
        (np.array([np.inf, -np.inf]), False),
    ],
)
def test_finite(value: Any, expected: bool) -> None:
    assert finite(value) is expected
