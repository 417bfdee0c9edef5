"""The contract of what a class that derives from `DDPG` writes anew."""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from ddpg.errors import UserError, kind_of


def as_pair(value: Any, method: Callable[..., Any]) -> tuple[Tensor, dict[str, Tensor]]:
    """Return the loss and the metrics that a method returned.

    Raises UserError, which names the method, for anything else.
    """
    if isinstance(value, tuple) and len(value) == 2:
        return value
    name = f"{method.__module__}.{method.__qualname__}"
    raise UserError(
        f"{name} returned {kind_of(value)}, not the loss and its metrics: return loss, {{}}"
    )
