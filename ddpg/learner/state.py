"""The state of an algorithm's parts, for checkpoints."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

#: The name of what the constructor of an optimizer of torch was given, in its state.
_SETTINGS = "settings"


def state_of(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Return the states of modules, optimizers, generators and tensors, by name.

    Tensors are shared, not copied.
    """
    return {name: _state(part) for name, part in parts.items()}


def restore(parts: Mapping[str, Any], state: Mapping[str, Any]) -> None:
    """Set the parts, in place, to the states that `state_of` returned.

    Where a constructor was given another value than in the saved run, the new value holds, as a
    fork of a run needs it: a generator with another seed begins anew, and another learning rate is
    that of the next step.
    """
    for name, part in parts.items():
        if isinstance(part, torch.Generator):
            _restore_generator(part, state[name])
        elif isinstance(part, Tensor):
            part.data.copy_(state[name])
        elif _is_of_torch_optim(part):
            _restore_optimizer(part, state[name])
        else:
            part.load_state_dict(state[name])


def _restore_generator(generator: torch.Generator, state: Tensor) -> None:
    saved = torch.Generator(generator.device)
    saved.set_state(state)
    if saved.initial_seed() == generator.initial_seed():
        generator.set_state(state)


def _restore_optimizer(optimizer: Any, state: Mapping[str, Any]) -> None:
    """Restore an optimizer of torch, among whose state are its settings, too."""
    before = state.get(_SETTINGS, {})
    optimizer.load_state_dict({name: part for name, part in state.items() if name != _SETTINGS})
    now = optimizer.defaults
    other = {name: now[name] for name in before if name in now and now[name] != before[name]}
    for group in optimizer.param_groups:
        group.update(other)


def _state(part: Any) -> Any:
    if isinstance(part, torch.Generator):
        return part.get_state()
    if isinstance(part, Tensor):
        return part.detach()
    given = {_SETTINGS: dict(part.defaults)} if _is_of_torch_optim(part) else {}
    return part.state_dict() | given


def _is_of_torch_optim(part: Any) -> bool:
    """Whether a part is an optimizer with torch's base class, whose import would take long."""
    return hasattr(part, "param_groups") and hasattr(part, "defaults")
