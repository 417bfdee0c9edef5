"""Actions and noises of the wrong kind are refused in one line that names the class."""

from typing import Any

import numpy as np
import pytest

from ddpg.errors import UserError
from ddpg.training.actions import require_action_shape


class Part:
    """Makes something."""


@pytest.mark.parametrize("action", [np.zeros(2), np.zeros(2, np.float32), np.array([1, 0])])
def test_a_number_for_each_dimension(action: np.ndarray) -> None:
    require_action_shape(Part(), action, (2,))


@pytest.mark.parametrize(
    ("action", "came"),
    [
        (np.zeros(3), "float64 of shape (3,)"),
        (np.zeros((1, 2)), "float64 of shape (1, 2)"),
        (np.asarray(0.5), "float64 of shape ()"),
        (np.asarray(None), "object of shape ()"),
        (np.array([1j, 0]), "complex128 of shape (2,)"),
        (np.array(["a", "b"]), "of shape (2,)"),
        ([0.1, 0.1], "list of shape (2,)"),
    ],
)
def test_anything_else(action: Any, came: str) -> None:
    with pytest.raises(UserError) as caught:
        require_action_shape(Part(), action, (2,))
    assert f"{__name__}.Part returned " in str(caught.value)
    assert came in str(caught.value)
    assert "expected an array of numbers of shape (2,)" in str(caught.value)
