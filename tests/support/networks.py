"""Small actors for observations of three numbers and actions of two."""

from collections.abc import Sequence
from typing import Any

import torch

from ddpg.learner.networks import Actor

#: The bounds of the actions.
LOW, HIGH = torch.tensor([-3.0, 0.0]), torch.tensor([1.0, 10.0])


def small_actor(hidden: Sequence[int] = (4,), norm: Any = "none", final: float | None = None, **more: Any) -> Actor:
    """Make an actor; its weights are drawn from torch's global generator."""
    settings = {"activation": "relu", "init": "fan_in"} | more
    return Actor((3,), LOW, HIGH, hidden, norm=norm, final_init=final, **settings)
