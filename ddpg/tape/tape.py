"""The fast form of a function: what it did once, without the Python, the autograd and the fresh memory around it."""

import logging
from collections.abc import Callable
from typing import Any, Protocol

from torch import Tensor

from ddpg.tape.cpu import Recording
from ddpg.tape.cuda import Graph

log = logging.getLogger(__name__)

#: Calls before the one that is recorded; in them optimizers create their state and libraries choose their kernels.
WARM_UP = 2


class Playable(Protocol):
    """A recording of one call, with what that call returned."""

    outputs: Any
    refusal: str | None  # why it cannot be played

    def play(self) -> None: ...


class Tape:
    """`function(*inputs)` with inputs that are tensors or None, and an output of any structure of tensors.

    The first calls run as they are, one is recorded, and from then on the recording is played: bit for bit the same
    results, written to the same tensors at every call. A function may change tensors that live longer than itself
    (parameters, state of an optimizer, a generator's), in place; whatever else it reads besides its inputs must not
    change, for it is recorded with the value that it had. Inputs of another shape run as they are.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._calls = 0
        self._inputs: list[Tensor | None] = []
        self._recording: Playable | None = None

    @property
    def plays(self) -> bool:
        """Whether the function has been recorded."""
        return self._recording is not None

    def __call__(self, *inputs: Tensor | None) -> Any:
        if self._recording is not None and _alike(self._inputs, inputs):
            for mine, given in zip(self._inputs, inputs, strict=True):
                if mine is not None and given is not None:
                    mine.copy_(given, non_blocking=True)
            self._recording.play()
            return self._recording.outputs
        self._calls += 1
        return self._record(inputs) if self._calls == WARM_UP + 1 else self._function(*inputs)

    def _record(self, inputs: tuple[Tensor | None, ...]) -> Any:
        self._inputs = [None if given is None else given.clone() for given in inputs]
        make = Graph if any(given is not None and given.is_cuda for given in inputs) else Recording
        recording = make(self._function, self._inputs)
        if recording.refusal is None:
            self._recording = recording
        else:
            log.warning(
                "not recorded: %s; it goes on, more slowly (compile=false: without this line)", recording.refusal
            )
        return recording.outputs


def _alike(mine: list[Tensor | None], given: tuple[Tensor | None, ...]) -> bool:
    return len(mine) == len(given) and all(
        a is b or (a is not None and b is not None and a.shape == b.shape and a.dtype == b.dtype)
        for a, b in zip(mine, given, strict=True)
    )
