"""The contract of the parts that make an action: one number for each of its dimensions."""

from typing import Any

import numpy as np

from ddpg.errors import UserError
from ddpg.training.returned import class_name


def require_action_shape(part: object, action: Any, shape: tuple[int, ...]) -> None:
    """Raise UserError, which names the class of the part, unless it made numbers of this shape."""
    is_array = type(action) is np.ndarray
    if is_array and action.shape == shape and action.dtype.kind in "fiu":
        return
    kind = getattr(action, "dtype", type(action).__name__)
    raise UserError(
        f"{class_name(part)} returned {kind} of shape {np.shape(action)}; expected an array of "
        f"numbers of shape {shape}, one for each dimension of the action"
    )
