"""What recorded calls find and leave behind, to compare a recording with what it was made of."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ddpg.fast.tape.recorder import Record


class Content(NamedTuple):
    """A copy of the memory of tensors, as bytes, and of the states of generators."""

    tensors: list[Tensor]
    generators: list[Tensor]


class Surroundings:
    """What a recorded function reads, changes and draws from that was there before: tensors and generators."""

    def __init__(self, record: Record) -> None:
        self._memories = [_whole(tensor) for tensor in record.found().values()]
        given = (value for call in record.calls for value in (*call.args, *call.kwargs.values()))
        self._generators = [torch.default_generator, *(g for g in given if isinstance(g, torch.Generator))]

    def content(self) -> Content:
        """All of it as it is now."""
        return Content([m.clone() for m in self._memories], [g.get_state() for g in self._generators])

    def restore(self, content: Content) -> None:
        """Makes it as it was."""
        for memory, before in zip(self._memories, content.tensors, strict=True):
            memory.copy_(before)
        for generator, state in zip(self._generators, content.generators, strict=True):
            generator.set_state(state)


def same(one: Sequence[Tensor], other: Sequence[Tensor]) -> bool:
    """Bit for bit: NaN equals itself, and 0 is not -0."""
    return [t.shape for t in one] == [t.shape for t in other] and all(
        map(torch.equal, map(_bits, one), map(_bits, other))
    )


def _bits(tensor: Tensor) -> Tensor:
    return tensor.detach().clone(memory_format=torch.contiguous_format).reshape(-1).view(torch.uint8)


def _whole(tensor: Tensor) -> Tensor:
    """All of the memory that it lies in, as bytes."""
    return torch.empty(0, dtype=torch.uint8).set_(tensor.untyped_storage())
