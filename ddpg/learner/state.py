"""The state of an algorithm's parts, for checkpoints."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor


def state_of(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the states of modules, optimizers, generators and tensors, by name.

    Tensors are shared, not copied.
    """
    return {name: _state(part) for name, part in parts.items()}


def restore(parts: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Set the parts, in place, to the states that `state_of` returned."""
    for name, part in parts.items():
        if isinstance(part, torch.Generator):
            part.set_state(state[name])
        elif isinstance(part, Tensor):
            part.data.copy_(state[name])
        else:
            part.load_state_dict(state[name])


def _state(part: Any) -> Any:
    if isinstance(part, torch.Generator):
        return part.get_state()
    return part.detach() if isinstance(part, Tensor) else part.state_dict()
