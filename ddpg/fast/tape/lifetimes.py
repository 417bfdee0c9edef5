"""Where the tensors of a recording lie: storage whose content is no longer needed is used again by a later result.

The less storage there is, the more of it stays in the processor's cache. A pointwise operator works in place.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from ddpg.fast.tape.internals import Operator, storage_id
from ddpg.fast.tape.recorder import Call
from ddpg.fast.tape.structure import mapped


class PlacedCall(NamedTuple):
    """A call with all its tensors where they lie when it is replayed."""

    operator: Operator
    args: Sequence[Any]
    kwargs: dict[str, Any]
    results: Sequence[Tensor]
    #: the inputs that it changes in place
    changed: Sequence[Tensor]
    #: whether its results lie in storage that no input has
    is_fresh: bool


class Placement:
    """The storage of every tensor of some calls. `kept` are the tensors that are read after the last call."""

    def __init__(self, calls: Sequence[Call], kept: Iterable[Tensor]) -> None:
        self._storage: dict[int, torch.UntypedStorage] = {}
        self._free: dict[int, list[torch.UntypedStorage]] = defaultdict(list)
        last = {storage_id(tensor): i for i, call in enumerate(calls) for tensor in (*call.inputs, *call.results)}
        lasting = set(map(storage_id, kept))
        for i, call in enumerate(calls):
            used = dict.fromkeys(map(storage_id, (*call.inputs, *call.fresh)))
            ending = [storage for storage in used if last[storage] == i and storage not in lasting]
            self._place(call, ending, lasting)

    def placed(self, call: Call) -> PlacedCall:
        """Return the call on the tensors as they are placed."""
        return PlacedCall(
            call.operator,
            mapped(self._placed_leaf, call.args),
            mapped(self._placed_leaf, call.kwargs),
            mapped(self._placed_leaf, call.results),
            mapped(self._placed_leaf, call.changed),
            bool(call.fresh),
        )

    def _place(self, call: Call, ending: Sequence[int], lasting: set[int]) -> None:
        """Choose storage for the new results of a call, after which the content of `ending` is not needed."""
        overwritable = set(map(storage_id, _overwritable(call)))
        reusable = [storage for storage in ending if storage in overwritable]
        self._release(reversed(reusable))  # of several inputs the first is overwritten
        for tensor in call.fresh:
            storage = storage_id(tensor)
            if storage not in lasting:
                self._storage[storage] = self._take(tensor.untyped_storage())
        self._release(storage for storage in ending if storage not in overwritable)

    def _take(self, wanted: torch.UntypedStorage) -> torch.UntypedStorage:
        free = self._free[wanted.nbytes()]
        return free.pop() if free else wanted

    def _release(self, storages: Iterable[int]) -> None:
        for storage in storages:
            if storage in self._storage:  # not an input, parameter or other tensor from before the first call
                place = self._storage[storage]
                self._free[place.nbytes()].append(place)

    def _placed_leaf(self, leaf: Any) -> Any:
        if not isinstance(leaf, Tensor):
            return leaf
        place = self._storage.get(storage_id(leaf))
        if place is None or storage_id(place) == storage_id(leaf):
            return leaf.detach()  # a parameter, too, is only memory here: no autograd to be switched off
        moved = torch.empty(0, dtype=leaf.dtype, device=leaf.device)
        return moved.set_(place, leaf.storage_offset(), leaf.shape, leaf.stride())


def _overwritable(call: Call) -> list[Tensor]:
    """The inputs that the result of a pointwise operator may overwrite: of its layout, and in no other layout too."""
    if not call.has(torch.Tag.pointwise) or len(call.fresh) != 1:
        return []
    wanted = _layout(call.fresh[0])
    other = {storage_id(tensor) for tensor in call.inputs if _layout(tensor) != wanted}
    return [tensor for tensor in call.inputs if storage_id(tensor) not in other]


def _layout(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.dtype, tensor.shape, tensor.stride(), tensor.storage_offset()
