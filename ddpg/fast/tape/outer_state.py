"""The state outside a recorded function that it reads or changes, to compare a replay with the function itself."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from ddpg.fast.tape.recorder import Record


class Content(NamedTuple):
    """A copy of the storages of tensors, as bytes, and of the states of generators."""

    tensors: list[Tensor]
    generators: list[Tensor]


class OuterState:
    """The tensors from before a function's call, and the generators, that the function uses."""

    def __init__(self, record: Record) -> None:
        self._storages = [_storage_bytes(tensor) for tensor in record.outer_tensors().values()]
        values = (value for call in record.calls for value in (*call.args, *call.kwargs.values()))
        passed = (value for value in values if isinstance(value, torch.Generator))
        self._generators = [torch.default_generator, *passed]

    def content(self) -> Content:
        """Return a copy of the state as it is now."""
        tensors = [storage.clone() for storage in self._storages]
        return Content(tensors, [generator.get_state() for generator in self._generators])

    def restore(self, content: Content) -> None:
        """Make the state what it was when `content` was copied."""
        for storage, before in zip(self._storages, content.tensors, strict=True):
            storage.copy_(before)
        for generator, state in zip(self._generators, content.generators, strict=True):
            generator.set_state(state)


def same_bits(one: Sequence[Tensor], other: Sequence[Tensor]) -> bool:
    """Tell whether tensors are equal bit for bit: NaN equals itself, and 0 is not -0."""
    shapes_alike = [tensor.shape for tensor in one] == [tensor.shape for tensor in other]
    return shapes_alike and all(map(torch.equal, map(_bits, one), map(_bits, other)))


def _bits(tensor: Tensor) -> Tensor:
    return tensor.detach().clone(memory_format=torch.contiguous_format).reshape(-1).view(torch.uint8)


def _storage_bytes(tensor: Tensor) -> Tensor:
    """All of the storage that a tensor lies in, as bytes."""
    return torch.empty(0, dtype=torch.uint8).set_(tensor.untyped_storage())
