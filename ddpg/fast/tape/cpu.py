"""Recording on the CPU: the calls of torch's kernels that a function makes, each into memory that is kept."""

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload

from ddpg.fast.native import Kernels
from ddpg.fast.tape.lifetimes import Places
from ddpg.fast.tape.native import Play, Unit, quickened
from ddpg.fast.tape.recorder import Call, Record, memory_of
from ddpg.fast.tape.rules import Placed
from ddpg.fast.tape.structure import cloned, tensors
from ddpg.fast.tape.surroundings import Surroundings, same

log = logging.getLogger(__name__)

#: Arguments of a kernel that makes a tensor; the kernel's form that fills a given one does not have them.
_FACTORY = {"dtype", "layout", "device", "pin_memory"}


class Player:
    """Calls again what a record holds, in its memory; `outputs` are the record's, written anew at every `play`."""

    def __init__(self, record: Record, kernels: Kernels | None) -> None:
        self.outputs, self._kernels = record.outputs, kernels
        calls = [call for call in record.calls if not call.only_looks]
        once = _constant(calls)
        again = [call for call in calls if call not in once]
        places = Places(again, [*tensors((self.outputs,)), *(tensor for call in once for tensor in call.results)])
        self._steps = [_step(call, places) for call in again]
        self._units = _units(again, self._steps, places, kernels) if kernels else []

    def quicken(self) -> None:
        """Plays once more; from then on by kernels of our own, if there are any."""
        if self._kernels:
            self._steps, self._units = quickened(self._units, self._kernels), []

    def play(self) -> None:
        """Once more, on what inputs and parameters hold now."""
        for step in self._steps:
            step()


def checked(
    record: Record, function: Callable[..., Any], arguments: Sequence[Any], kernels: Kernels | None
) -> tuple[Any, Player | None]:
    """`function(*arguments)`, and a player that has just computed the same, bit for bit; None if there is none.

    With kernels, it is one that plays by them from now on.
    """
    surroundings = Surroundings(record)
    before = surroundings.content()
    player: Player | None
    try:
        player = Player(record, kernels)
        player.play()
    except Exception as error:  # a kernel that is not what its schema says
        log.debug("not played: %s", error)
        player, played = None, []
    else:
        played = [*cloned(tensors((player.outputs,))), *surroundings.content().tensors]
    surroundings.restore(before)
    outputs = function(*arguments)
    after = surroundings.content()
    if player is None or not same(played, [*cloned(tensors((outputs,))), *after.tensors]):
        return outputs, None
    surroundings.restore(before)
    player.quicken()
    surroundings.restore(after)
    return outputs, player


def _constant(calls: Sequence[Call]) -> list[Call]:
    """Those whose results are the same every time, because they depend on no tensor that could change."""
    changed = {memory_of(tensor) for call in calls for tensor in call.changed}
    same: set[int] = set()
    constant = []
    for call in calls:
        if call.makes_the_same_of(same) and changed.isdisjoint(map(memory_of, call.results)):
            same.update(map(memory_of, call.results))
            constant.append(call)
    return constant


def _units(calls: Sequence[Call], by_torch: Sequence[Play], places: Places, kernels: Kernels) -> list[Unit]:
    units: list[Unit] = []
    for call, play in zip(calls, by_torch, strict=True):
        placed = Placed(call.kernel, *map(places.placed, (call.args, call.kwargs, call.results)))
        if not (units and units[-1].takes_in(placed, play)):
            units.append(Unit(placed, play, places.placed(call.changed), kernels))
    return units


def _step(call: Call, places: Places) -> Callable[[], Any]:
    """The call as a function without arguments."""
    args, kwargs, results = places.placed(call.args), places.placed(call.kwargs), places.placed(call.results)
    if not call.fresh:
        return partial(_torchs_own(call.kernel) or call.kernel, *args, **kwargs)
    kernel, args = _with_tensors(call.kernel, args, like=call.results[0])
    filling = _filling(kernel)
    into = [argument for argument in filling._schema.arguments if argument.is_out] if filling else []
    places_given = [results] if [str(argument.type) for argument in into] == ["List[Tensor]"] else results
    if filling is None or len(into) != len(places_given):  # some results were not asked for
        return partial(_call_and_copy, kernel, args, kwargs, results)
    arguments = {argument.name for argument in filling._schema.arguments}
    given = {key: value for key, value in kwargs.items() if key in arguments}
    filled = {argument.name: place for argument, place in zip(into, places_given, strict=True)}
    # what torch derived from the kernel itself, its own function does not know
    own = _torchs_own(kernel) if list(filled) == ["out"] and torch.Tag.generated not in filling.tags else None
    return partial(own or filling, *args, **given, **filled)


def _call_and_copy(kernel: OpOverload, args: Sequence[Any], kwargs: dict[str, Any], results: Sequence[Tensor]) -> None:
    for mine, new in zip(results, tensors((kernel(*args, **kwargs),)), strict=True):
        mine.copy_(new)


def _filling(kernel: OpOverload) -> OpOverload | None:
    """The kernel's form that fills given tensors, without reshaping them as the losses with a reduction do."""
    if any(argument.name == "reduction" for argument in kernel._schema.arguments):
        return None

    def given(overload: OpOverload, but: set[str]) -> list[tuple[str, str]]:
        arguments = (argument for argument in overload._schema.arguments if not argument.is_out)
        return [(argument.name, str(argument.type)) for argument in arguments if argument.name not in but]

    packet = kernel.overloadpacket
    for overload in (getattr(packet, name) for name in packet.overloads()):
        if any(argument.is_out for argument in overload._schema.arguments):
            wanted = given(overload, but=set())
            if wanted in (given(kernel, but=set()), given(kernel, but=_FACTORY)):
                return overload
    return None


def _with_tensors(kernel: OpOverload, args: Sequence[Any], like: Tensor) -> tuple[OpOverload, list[Any]]:
    """The kernel and its arguments, with tensors for numbers that torch would make tensors of at every call."""
    if kernel is torch.ops.aten.rsub.Scalar and len(args) == 2:
        kernel, args = torch.ops.aten.sub.Tensor, args[::-1]
    packet = kernel.overloadpacket
    if kernel._overloadname == "Scalar" and "Tensor" in packet.overloads():
        kernel = packet.Tensor
    if not like.is_floating_point():
        return kernel, list(args)
    kinds = [str(argument.type) for argument in kernel._schema.arguments]
    return kernel, [
        torch.tensor(value, dtype=like.dtype) if kind == "Tensor" and isinstance(value, float | int) else value
        for kind, value in zip(kinds, args, strict=False)
    ]


def _torchs_own(kernel: OpOverload) -> Callable[..., Any] | None:
    """The function or method of torch with the kernel's name, which takes half the time to call."""
    name = kernel._schema.name.removeprefix("aten::")
    places = (torch._C._VariableFunctions, torch._C._nn, Tensor)
    return next((getattr(place, name) for place in places if hasattr(place, name)), None)
