"""What keeps a function from being replayed, in words."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ddpg.errors import first_line, kind_of
from ddpg.fast.tape.internals import name_of, storage_id
from ddpg.fast.tape.recorder import Call, Record
from ddpg.fast.tape.structure import foreign_leaf, leaves

#: What torch writes on the CPU and on a GPU when there is no memory left; both are RuntimeErrors.
_NO_MEMORY = ("can't allocate memory", "out of memory")


def obstacle(records: Sequence[Record], inputs: Sequence[Tensor]) -> str | None:
    """Say why a function with these records, of calls with the same inputs, cannot be replayed; None if it can."""
    last = records[-1]
    input_storages = {storage_id(tensor) for tensor in inputs}
    for call in last.calls:
        if call.has(torch.Tag.data_dependent_output):
            return f"{name_of(call.operator)} gives Python a number, which a recording cannot follow"
        if call.has(torch.Tag.dynamic_output_shape):
            return f"{name_of(call.operator)} gives a tensor whose shape depends on numbers"
        if not input_storages.isdisjoint(map(storage_id, call.changed)):
            return f"{name_of(call.operator)} changes an input"
    foreign = foreign_leaf(last.outputs)
    if foreign is not None:
        return f"it returns {kind_of(foreign)}, and not tensors alone, in lists, tuples and dicts"
    return next(filter(None, (_difference(first, last) for first in records[:-1])), None)


def failure(action: str, error: BaseException) -> str:
    """Say in one line that an action failed, and of what: of a lack of memory, or of another exception."""
    lacks_memory = isinstance(error, MemoryError) or any(words in str(error) for words in _NO_MEMORY)
    return f"{action} failed{' for lack of memory' if lacks_memory else ''}: {first_line(error)}"


def _difference(first: Record, second: Record) -> str | None:
    """Find a function that counts, or puts new tensors in the place of old ones: it does not do the same twice."""
    calls = [_computing(record.calls) for record in (first, second)]
    if len(calls[0]) != len(calls[1]):
        return f"it called {len(calls[0])} kernels, and then {len(calls[1])}"
    outer = [record.outer_tensors() for record in (first, second)]
    for one, other in zip(*calls, strict=True):
        name = name_of(one.operator)
        if one.operator is not other.operator:
            return f"it called {name}, and then {name_of(other.operator)}"
        if _described(one, outer[0]) != _described(other, outer[1]):
            return f"it called {name} with other numbers, or on other tensors, the second time"
    return None


def _computing(calls: Sequence[Call]) -> list[Call]:
    """List the calls but those that only tell a profiler where the program is, as torch.optim's do."""
    return [call for call in calls if call.operator.namespace != "profiler"]


def _described(call: Call, outer: dict[int, Tensor]) -> list[Any]:
    """List the arguments: numbers, tensors from outside by their storage, other tensors by their shape."""
    return [
        (tuple(leaf.shape), leaf.stride(), leaf.dtype, storage_id(leaf) if storage_id(leaf) in outer else None)
        if isinstance(leaf, Tensor)
        else leaf
        for leaf in leaves((call.args, call.kwargs))
    ]
