"""Calls of torch's operators as functions without arguments, which write into storage that is kept."""

from collections.abc import Callable, Sequence
from functools import partial
from types import BuiltinFunctionType, MethodDescriptorType
from typing import Any

import torch
from torch import Tensor

from ddpg.fast.tape.internals import Operator, function_name, name_of, overload_name, parameters
from ddpg.fast.tape.lifetimes import PlacedCall
from ddpg.fast.tape.structure import tensors

#: Arguments of an operator that makes a tensor; the form of it that fills an existing tensor does not have them.
_FACTORY = {"dtype", "layout", "device", "pin_memory"}

#: How torch declares the one argument of an operator that fills several tensors.
_LIST_OF_TENSORS = "List[Tensor]"


def prepared(call: PlacedCall) -> Callable[[], Any]:
    """Make a function that does the call again, on what the tensors then hold."""
    if not call.is_fresh:
        return partial(_builtin(call.operator) or call.operator, *call.args, **call.kwargs)
    operator, args = _with_tensors(call.operator, call.args, like=call.results[0])
    filling = _filling(operator)
    outs = [parameter for parameter in parameters(filling) if parameter.is_out] if filling else []
    is_list = [str(parameter.type) for parameter in outs] == [_LIST_OF_TENSORS]
    places = [call.results] if is_list else call.results
    if filling is None or len(outs) != len(places):  # some results were not asked for
        return partial(_call_and_copy, operator, args, call.kwargs, call.results)
    known = {parameter.name for parameter in parameters(filling)}
    kwargs = {key: value for key, value in call.kwargs.items() if key in known}
    filled = {parameter.name: place for parameter, place in zip(outs, places, strict=True)}
    # the builtin function does not know the forms that torch generates from the operator itself
    is_known = list(filled) == ["out"] and torch.Tag.generated not in filling.tags
    function = (_builtin(operator) if is_known else None) or filling
    return partial(function, *args, **kwargs, **filled)


def _call_and_copy(operator: Operator, args: Sequence[Any], kwargs: dict[str, Any], results: Sequence[Tensor]) -> None:
    for result, new in zip(results, tensors((operator(*args, **kwargs),)), strict=True):
        result.copy_(new)


def _filling(operator: Operator) -> Operator | None:
    """Find the form of an operator that fills existing tensors; not of the losses, which reshape these."""
    if any(parameter.name == "reduction" for parameter in parameters(operator)):
        return None
    packet = operator.overloadpacket
    wanted = _signature(operator, without=set())
    wanted_from_factory = _signature(operator, without=_FACTORY)
    for overload in (getattr(packet, name) for name in packet.overloads()):
        fills = any(parameter.is_out for parameter in parameters(overload))
        if fills and _signature(overload, without=set()) in (wanted, wanted_from_factory):
            return overload
    return None


def _signature(operator: Operator, without: set[str]) -> list[tuple[str, str]]:
    """List the names and types of the inputs, but for those in `without`."""
    inputs = (parameter for parameter in parameters(operator) if not parameter.is_out)
    return [(parameter.name, str(parameter.type)) for parameter in inputs if parameter.name not in without]


def _with_tensors(operator: Operator, args: Sequence[Any], like: Tensor) -> tuple[Operator, list[Any]]:
    """Return the operator and its arguments with tensors for numbers, which torch would make at every call."""
    if name_of(operator) == "aten.rsub.Scalar" and len(args) == 2:
        operator = torch.ops.aten.sub.Tensor
        args = args[::-1]
    packet = operator.overloadpacket
    if overload_name(operator) == "Scalar" and "Tensor" in packet.overloads():
        operator = packet.Tensor
    if not like.is_floating_point():
        return operator, list(args)
    kinds = [str(parameter.type) for parameter in parameters(operator)]
    return operator, [
        torch.tensor(value, dtype=like.dtype) if kind == "Tensor" and isinstance(value, float | int) else value
        for kind, value in zip(kinds, args, strict=False)
    ]


def _builtin(operator: Operator) -> Callable[..., Any] | None:
    """Find torch's function or method in C of the operator's name, which takes half the time to call."""
    name = function_name(operator)
    candidates = (getattr(torch, name, None), getattr(Tensor, name, None))
    return next((found for found in candidates if isinstance(found, BuiltinFunctionType | MethodDescriptorType)), None)
