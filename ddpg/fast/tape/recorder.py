"""What a function does, as calls of torch's operators."""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ddpg.fast.tape.internals import Operator, function_name, parameters, storage_id
from ddpg.fast.tape.structure import tensors


class Call:
    """One operator as it was called, and what it returned. Tensors are told apart by their storage."""

    def __init__(self, operator: Operator, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
        self.operator = operator
        self.args = args
        self.kwargs = kwargs
        self.inputs = tensors((args, kwargs))
        self.results = tensors(out)

    @cached_property
    def changed(self) -> list[Tensor]:
        """The inputs that it changes in place."""
        declared = parameters(self.operator)
        values = dict(zip((parameter.name for parameter in declared), self.args, strict=False)) | self.kwargs
        written = (p.name for p in declared if p.alias_info is not None and p.alias_info.is_write)
        return tensors([values.get(name) for name in written])

    @cached_property
    def fresh(self) -> list[Tensor]:
        """The results that lie in new storage, and not in that of an input."""
        inputs = set(map(storage_id, self.inputs))
        return [result for result in self.results if storage_id(result) not in inputs]

    @property
    def is_view(self) -> bool:
        """Whether it computes nothing: a view of an input, or a note for a profiler."""
        return self.operator.namespace == "profiler" or not (self.changed or self.fresh)

    def has(self, *tags: torch.Tag) -> bool:
        """Tell whether torch gives the operator one of these tags."""
        return not set(tags).isdisjoint(self.operator.tags)

    def is_constant(self, constants: set[int]) -> bool:
        """Tell whether its results depend on no draw, and on no other content than that of these storages."""
        depends_on_no_other = constants.issuperset(map(storage_id, self.inputs))
        depends_on_shapes_alone = function_name(self.operator).endswith("_like")
        return (depends_on_no_other or depends_on_shapes_alone) and not self.has(torch.Tag.nondeterministic_seeded)


class Record:
    """The operators that one call of a function used, and what the function returned."""

    def __init__(self, calls: Sequence[tuple[Operator, tuple[Any, ...], dict[str, Any], Any]], outputs: Any) -> None:
        self.calls = [Call(*call) for call in calls]
        self.outputs = outputs

    def outer_tensors(self) -> dict[int, Tensor]:
        """Return the tensors from before the call, the arguments among them: one for each storage, by its id."""
        made = {storage_id(tensor) for call in self.calls for tensor in call.fresh}
        inputs = {storage_id(tensor): tensor for call in self.calls for tensor in call.inputs}
        return {storage: tensor for storage, tensor in inputs.items() if storage not in made}
