"""The state of an algorithm's parts, for checkpoints."""

from collections.abc import Mapping
from typing import Any

import torch


def state_of(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Give the state of modules, optimizers and generators, by name.

    Tensors are shared, not copied.
    """
    return {
        name: part.get_state() if isinstance(part, torch.Generator) else part.state_dict()
        for name, part in parts.items()
    }


def restore(parts: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Give each of the parts the state that `state_of` found."""
    for name, part in parts.items():
        if isinstance(part, torch.Generator):
            part.set_state(state[name])
        else:
            part.load_state_dict(state[name])
