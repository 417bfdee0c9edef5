"""The fast form of a function: what it did once, without the Python, the autograd and the fresh memory around it."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from operator import is_
from typing import Any, Protocol

from torch import Tensor

from ddpg.fast.native import Kernels
from ddpg.fast.tape.cpu import checked
from ddpg.fast.tape.cuda import captured
from ddpg.fast.tape.recorder import Record
from ddpg.fast.tape.refusal import refusal
from ddpg.fast.tape.rules import copies

log = logging.getLogger(__name__)

#: Which calls are looked at, after two that let optimizers create their state: this one and the next are recorded, and
#: the last is compared.
RECORDED, COMPARED = 3, 5


class Playable(Protocol):
    """A recording, with the memory that it writes its results to."""

    outputs: Any

    def play(self) -> None: ...


class Tape:
    """`function(*inputs)` with inputs that are tensors or None, and an output of tensors in lists, tuples and dicts.

    The first calls run as they are. Two of them are recorded and have to be alike; on the CPU the next is undone and
    run as it is, and has to give the same bits. From then on the recording is played: its results are written to the
    same tensors at every call, and no gradient flows from them. A function may change tensors that live longer than
    itself (parameters, state of an optimizer, a generator's), in place; whatever else it reads besides its inputs must
    not change, for it is recorded with the value that it had. Inputs of another shape run as they are.

    With `native` kernels, whose numbers are rounded in another way, the first call is played already: the others are
    made before it, and what they change is taken back at the end of `undone()`.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        native: Kernels | None = None,
        undone: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._function, self._native, self._undone = function, native, undone
        self._calls = 0
        self._record: Record | None = None
        self._player: Playable | None = None
        self._source: tuple[Tensor | None, ...] | None = None
        self._copy: Callable[[], None] | None = None
        #: What is played reads these.
        self.inputs: list[Tensor | None] = []

    @property
    def plays(self) -> bool:
        """Whether it is played by now."""
        return self._player is not None

    def __call__(self, *inputs: Tensor | None) -> Any:
        if self._native is not None and self._calls == 0:
            self._rehearse(inputs)
        if self._player is None and self._calls < COMPARED:
            return self._try(inputs)
        if self._player is None or not _alike(self.inputs, inputs):
            return self._function(*inputs)
        self._take(inputs)
        return self.play()

    def play(self) -> Any:
        """The function of what `inputs` hold; where it `plays`."""
        assert self._player is not None
        self._player.play()
        return self._player.outputs

    def _rehearse(self, inputs: tuple[Tensor | None, ...]) -> None:
        """All that is before playing, at once."""
        with self._undone():
            while self._player is None and self._calls < COMPARED:
                self._try(inputs)

    def _try(self, inputs: tuple[Tensor | None, ...]) -> Any:
        """A call that runs as it is, and is looked at."""
        self._calls += 1
        if self._calls < RECORDED:
            return self._function(*inputs)
        if self._calls == RECORDED:
            self.inputs = [None if given is None else given.clone() for given in inputs]
        elif not _alike(self.inputs, inputs):
            self._calls -= 1
            return self._function(*inputs)
        self._take(inputs)
        before, self._record = self._record, None
        if self._calls == COMPARED:
            return self._compare(before)
        self._record = Record(self._function, self.inputs)
        outputs = self._record.outputs
        if before is not None:
            self._refuse(refusal(before, self._record, self.inputs))
        return outputs

    def _compare(self, record: Record | None) -> Any:
        assert record is not None
        if any(given is not None and given.is_cuda for given in self.inputs):
            outputs, self._player = captured(self._function, self.inputs)
            self._refuse(None if self._player else "it waits for the GPU")
        else:
            outputs, self._player = checked(record, self._function, self.inputs, self._native)
            self._refuse(None if self._player else "played, it gave other numbers")
        return outputs

    def _refuse(self, reason: str | None) -> None:
        if reason is not None:
            name = getattr(self._function, "__qualname__", type(self._function).__name__)
            log.warning("%s is not compiled, so it is slower (compile=false: not tried): %s", name, reason)
            self._calls, self._record = COMPARED, None

    def _take(self, inputs: tuple[Tensor | None, ...]) -> None:
        """Copies them to where the recording reads: by one program, if they lie where the last ones lay."""
        if self._native is None or self._source is None or not all(map(is_, self._source, inputs)):
            self._source, self._copy = inputs, None
            self._copy_by_torch(inputs)
            return
        if self._copy is None:
            steps = copies(self.inputs, inputs)
            self._copy = partial(self._copy_by_torch, inputs) if steps is None else self._native.program(steps)
        self._copy()

    def _copy_by_torch(self, inputs: tuple[Tensor | None, ...]) -> None:
        for mine, given in zip(self.inputs, inputs, strict=True):
            if mine is not None and given is not None:
                mine.copy_(given, non_blocking=True)


def _alike(mine: list[Tensor | None], given: tuple[Tensor | None, ...]) -> bool:
    return len(mine) == len(given) and all(
        a is b or (a is not None and b is not None and a.shape == b.shape and a.dtype == b.dtype)
        for a, b in zip(mine, given, strict=True)
    )
