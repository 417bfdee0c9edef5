"""The fast form of a function: what it did once, without the Python, the autograd and the fresh memory around it."""

import logging
from collections.abc import Callable, Sequence
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

    def check(self, function: Callable[..., Any], inputs: Sequence[Tensor | None]) -> Any: ...

    def play(self) -> None: ...


class Tape:
    """`function(*inputs)` with inputs that are tensors or None, and an output of any structure of tensors.

    The first calls run as they are, one is recorded, one compares the recording with what it was made of, and from
    then on it is played: bit for bit the same results, written to the same tensors at every call. A function may
    change tensors that live longer than itself (parameters, state of an optimizer, a generator's), in place; whatever
    else it reads besides its inputs must not change, for it is recorded with the value that it had. Inputs of another
    shape run as they are.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function
        self._calls = 0
        self._inputs: list[Tensor | None] = []
        self._recording: Playable | None = None

    @property
    def plays(self) -> bool:
        """Whether it is played by now."""
        return self._recording is not None and self._calls > WARM_UP + 1

    def __call__(self, *inputs: Tensor | None) -> Any:
        if self._recording is None:
            self._calls += 1
            return self._record(inputs) if self._calls == WARM_UP + 1 else self._function(*inputs)
        if not _alike(self._inputs, inputs):
            return self._function(*inputs)
        for mine, given in zip(self._inputs, inputs, strict=True):
            if mine is not None and given is not None:
                mine.copy_(given, non_blocking=True)
        if not self.plays:
            return self._check(self._recording)
        self._recording.play()
        return self._recording.outputs

    def _record(self, inputs: tuple[Tensor | None, ...]) -> Any:
        self._inputs = [None if given is None else given.clone() for given in inputs]
        make = Graph if any(given is not None and given.is_cuda for given in inputs) else Recording
        self._recording = make(self._function, self._inputs)
        outputs = self._recording.outputs
        self._require_no_refusal()
        return outputs

    def _check(self, recording: Playable) -> Any:
        self._calls += 1
        outputs = recording.check(self._function, self._inputs)
        self._require_no_refusal()
        return outputs

    def _require_no_refusal(self) -> None:
        if self._recording is not None and self._recording.refusal is not None:
            log.warning("not compiled, so slower (compile=false: not tried): %s", self._recording.refusal)
            self._recording = None


def _alike(mine: list[Tensor | None], given: tuple[Tensor | None, ...]) -> bool:
    return len(mine) == len(given) and all(
        a is b or (a is not None and b is not None and a.shape == b.shape and a.dtype == b.dtype)
        for a, b in zip(mine, given, strict=True)
    )
