"""What recorded calls find and leave behind, to compare a recording with what it was made of."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ddpg.tape.recorder import Call, memory_of


class Content(NamedTuple):
    """A copy of the memory of tensors, as bytes, and of the states of generators."""

    tensors: list[Tensor]
    generators: list[Tensor]


class Surroundings:
    """What was there before some calls: tensors that they read or change, generators that they draw from."""

    def __init__(self, calls: Sequence[Call]) -> None:
        made = {memory_of(tensor) for call in calls for tensor in call.fresh}
        given = {memory_of(tensor): tensor for call in calls for tensor in call.given}
        self._memories = [_whole(tensor) for memory, tensor in given.items() if memory not in made]
        drawn = (value for call in calls for value in call.kwargs.values() if isinstance(value, torch.Generator))
        self._generators = [torch.default_generator, *drawn]

    def content(self) -> Content:
        """All of it as it is now."""
        return Content([m.clone() for m in self._memories], [g.get_state() for g in self._generators])

    def restore(self, content: Content) -> None:
        """Makes it as it was."""
        for memory, before in zip(self._memories, content.tensors, strict=True):
            memory.copy_(before)
        for generator, state in zip(self._generators, content.generators, strict=True):
            generator.set_state(state)


def bits(tensor: Tensor) -> Tensor:
    """The numbers as bytes: NaN equals itself then."""
    return tensor.detach().clone(memory_format=torch.contiguous_format).reshape(-1).view(torch.uint8)


def _whole(tensor: Tensor) -> Tensor:
    """All of the memory that it lies in, as bytes."""
    return torch.empty(0, dtype=torch.uint8).set_(tensor.untyped_storage())
