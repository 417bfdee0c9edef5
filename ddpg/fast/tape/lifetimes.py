"""Where a recording's tensors lie: what is no longer needed gives its place to what comes next.

The fewer places, the more of them stay in the processor's cache. A pointwise kernel works in place.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from ddpg.fast.tape.recorder import Call, memory_of
from ddpg.fast.tape.structure import mapped


class Places:
    """A place for every tensor of some calls; `kept` are those that are looked at after the last call."""

    def __init__(self, calls: Sequence[Call], kept: Iterable[Tensor]) -> None:
        self._place: dict[int, torch.UntypedStorage] = {}
        self._free: dict[int, list[torch.UntypedStorage]] = defaultdict(list)
        last = {memory_of(tensor): i for i, call in enumerate(calls) for tensor in (*call.given, *call.results)}
        lasting = set(map(memory_of, kept))
        for i, call in enumerate(calls):
            seen = dict.fromkeys(map(memory_of, (*call.given, *call.fresh)))
            ending = [memory for memory in seen if last[memory] == i and memory not in lasting]
            in_place = set(map(memory_of, _given_in_place(call)))
            reusable = [memory for memory in ending if memory in in_place]
            self._release(reversed(reusable))  # of several that are given the first is overwritten
            for tensor in call.fresh:
                memory = memory_of(tensor)
                if memory not in lasting:
                    self._place[memory] = self._take(tensor.untyped_storage())
            self._release(memory for memory in ending if memory not in in_place)

    def _take(self, wanted: torch.UntypedStorage) -> torch.UntypedStorage:
        free = self._free[wanted.nbytes()]
        return free.pop() if free else wanted

    def _release(self, memories: Iterable[int]) -> None:
        for memory in memories:
            if memory in self._place:  # not an input, parameter or other tensor from before the first call
                place = self._place[memory]
                self._free[place.nbytes()].append(place)

    def placed(self, value: Any) -> Any:
        """The value with all its tensors, also in tuples, lists and dicts, where they belong."""
        return mapped(self._moved, value)

    def _moved(self, leaf: Any) -> Any:
        if not isinstance(leaf, Tensor):
            return leaf
        place = self._place.get(memory_of(leaf))
        if place is None or place._cdata == memory_of(leaf):
            return leaf.detach()  # a parameter, too, is only memory here: no autograd to be switched off
        moved = torch.empty(0, dtype=leaf.dtype, device=leaf.device)
        return moved.set_(place, leaf.storage_offset(), leaf.shape, leaf.stride())


def _given_in_place(call: Call) -> list[Tensor]:
    """The inputs that the result of a pointwise kernel may overwrite: of the same layout, and seen in no other."""
    if not call.has(torch.Tag.pointwise) or len(call.fresh) != 1:
        return []
    wanted = _layout(call.fresh[0])
    other = {memory_of(tensor) for tensor in call.given if _layout(tensor) != wanted}
    return [tensor for tensor in call.given if memory_of(tensor) not in other]


def _layout(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.dtype, tensor.shape, tensor.stride(), tensor.storage_offset()
