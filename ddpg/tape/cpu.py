"""Recording on the CPU: the calls of torch's kernels that a function makes, each into memory that is kept."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload

from ddpg.tape.memory import Places
from ddpg.tape.recorder import Call, Recorder, memory_of, tensors
from ddpg.tape.surroundings import Surroundings, bits

#: Arguments of a kernel that makes a tensor; the kernel's form that fills a given one does not have them.
_FACTORY = {"dtype", "layout", "device", "pin_memory"}
_SHOWS_PYTHON_A_NUMBER = (torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape)


class Recording:
    """What `function(*inputs)` did; `play` does it again on the present contents of the inputs."""

    def __init__(self, function: Callable[..., Any], inputs: Sequence[Tensor | None]) -> None:
        with Recorder() as recorder:
            self.outputs = function(*inputs)
        self.refusal = next((_told(call) for call in recorder.calls if call.has(*_SHOWS_PYTHON_A_NUMBER)), None)
        self._steps = [] if self.refusal else _steps(recorder.calls, list(tensors((self.outputs,))))
        self._surroundings = Surroundings(recorder.calls)

    def check(self, function: Callable[..., Any], inputs: Sequence[Tensor | None]) -> Any:
        """`function(*inputs)`, after it was played and undone; if they differ in a bit, that is the refusal."""
        before = self._surroundings.content()
        self.play()
        played = [*map(bits, tensors((self.outputs,))), *self._surroundings.content().tensors]
        self._surroundings.restore(before)
        outputs = function(*inputs)
        computed = [*map(bits, tensors((outputs,))), *self._surroundings.content().tensors]
        if not all(map(torch.equal, played, computed)):
            self.refusal = "something besides tensors changes from one call to the next, and a recording cannot see it"
        return outputs

    def play(self) -> None:
        """Once more; the outputs are written to the same tensors."""
        for step in self._steps:
            step()


def _told(call: Call) -> str:
    return f"{call.kernel} gives Python a number, which a recording cannot follow"


def _steps(recorded: Sequence[Call], outputs: Sequence[Tensor]) -> list[Callable[[], Any]]:
    """The calls as functions without arguments, less those that need not be repeated."""
    calls = [call for call in recorded if not call.only_looks]
    once = _constant(calls)
    again = [call for call in calls if call not in once]
    places = Places(again, [*outputs, *(tensor for call in once for tensor in call.results)])
    return [_step(call, places) for call in again]


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
    """The kernel's form that fills given tensors."""

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
