"""Why what a function did cannot be repeated by calling the same kernels."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ddpg.fast.tape.recorder import Call, Record, memory_of
from ddpg.fast.tape.structure import is_strange, leaves, tensors


def refusal(first: Record, second: Record, inputs: Sequence[Tensor | None]) -> str | None:
    """The reason, from two calls of the function on the same inputs; None: there is none."""
    given = {memory_of(tensor) for tensor in tensors(inputs)}
    for call in second.calls:
        if call.has(torch.Tag.data_dependent_output):
            return f"{call.kernel} gives Python a number, which a recording cannot follow"
        if call.has(torch.Tag.dynamic_output_shape):
            return f"{call.kernel} gives a tensor whose shape depends on numbers"
        if not given.isdisjoint(map(memory_of, call.changed)):
            return f"{call.kernel} changes an input"
    strange = next(filter(is_strange, leaves(second.outputs)), None)
    if strange is not None:
        return f"it returns a {type(strange).__name__}, and not tensors alone, in lists, tuples and dicts"
    return _difference(first, second)


def _difference(first: Record, second: Record) -> str | None:
    """A function that counts, or puts new tensors in the place of old ones, does not do the same twice."""
    if len(first.calls) != len(second.calls):
        return f"it called {len(first.calls)} kernels, and then {len(second.calls)}"
    known = [record.found() for record in (first, second)]
    for one, other in zip(first.calls, second.calls, strict=True):
        if one.kernel is not other.kernel:
            return f"it called {one.kernel}, and then {other.kernel}"
        if _described(one, known[0]) != _described(other, known[1]):
            return f"it called {one.kernel} with other numbers, or on other tensors, the second time"
    return None


def _described(call: Call, found: dict[int, Tensor]) -> list[Any]:
    """What it was given: numbers, tensors from outside by their memory, the others by their shape."""
    return [
        (tuple(leaf.shape), leaf.stride(), leaf.dtype, memory_of(leaf) if memory_of(leaf) in found else None)
        if isinstance(leaf, Tensor)
        else leaf
        for leaf in leaves((call.args, call.kwargs))
    ]
