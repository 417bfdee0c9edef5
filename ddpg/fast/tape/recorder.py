"""What a function does, as calls of torch's kernels."""

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from ddpg.fast.tape.structure import tensors


class Call:
    """One kernel as it was called, and what it returned. Tensors are told apart by the memory that they lie in."""

    def __init__(self, kernel: OpOverload, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
        self.kernel, self.args, self.kwargs = kernel, args, kwargs
        self.given, self.results = tensors((args, kwargs)), tensors(out)

    @cached_property
    def changed(self) -> list[Tensor]:
        """What of the given it works on in place."""
        arguments = self.kernel._schema.arguments
        given = dict(zip((argument.name for argument in arguments), self.args, strict=False)) | self.kwargs
        written = (arg.name for arg in arguments if arg.alias_info is not None and arg.alias_info.is_write)
        return tensors([given.get(name) for name in written])

    @cached_property
    def fresh(self) -> list[Tensor]:
        """What of the results lies in memory of its own."""
        given = set(map(memory_of, self.given))
        return [result for result in self.results if memory_of(result) not in given]

    @property
    def only_looks(self) -> bool:
        """A view, or a note for a profiler: nothing is computed."""
        return self.kernel.namespace == "profiler" or not (self.changed or self.fresh)

    def has(self, *tags: torch.Tag) -> bool:
        """Whether torch says so of the kernel."""
        return not set(tags).isdisjoint(self.kernel.tags)

    def makes_the_same_of(self, same: set[int]) -> bool:
        """Whether its results depend on no content of tensors other than those, and on no draw."""
        made = self.kernel._schema.name.endswith("_like") or same.issuperset(map(memory_of, self.given))
        return made and not self.has(torch.Tag.nondeterministic_seeded)


class Recorder(TorchDispatchMode):
    """Within it, every call of a kernel is written down as it happens."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """False: else the first call imports torch's compiler, only to keep it away: a second and 70 MB."""
        return False

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        self.calls.append(Call(func, tuple(args), dict(kwargs or {}), out))
        return out


class Record:
    """What `function(*arguments)` did and returned."""

    def __init__(self, function: Callable[..., Any], arguments: Sequence[Any]) -> None:
        with Recorder() as recorder:
            self.outputs = function(*arguments)
        self.calls = recorder.calls

    def found(self) -> dict[int, Tensor]:
        """The tensors that were there before, inputs too: one for each memory."""
        made = {memory_of(tensor) for call in self.calls for tensor in call.fresh}
        given = {memory_of(tensor): tensor for call in self.calls for tensor in call.given}
        return {memory: tensor for memory, tensor in given.items() if memory not in made}


def memory_of(tensor: Tensor) -> int:
    """The same number for all tensors that share memory."""
    return tensor.untyped_storage()._cdata
