"""The fast form of a function: what it did once, without the Python, the autograd and the fresh memory around it."""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from torch import Tensor

from ddpg.fast.native import Kernels
from ddpg.fast.tape.arguments import Argument
from ddpg.fast.tape.cpu import checked
from ddpg.fast.tape.cuda import captured
from ddpg.fast.tape.recorder import Record
from ddpg.fast.tape.refusal import refusal
from ddpg.fast.tape.structure import is_strange, leaves

log = logging.getLogger(__name__)

#: Which calls are looked at, after two that let optimizers create their state: this one and the next are recorded, and
#: the last is compared.
RECORDED, COMPARED = 3, 5


class Playable(Protocol):
    """A recording, with the memory that it writes its results to."""

    outputs: Any

    def play(self) -> None: ...


class Tape:
    """`function(*arguments)`, recorded and then played: the same results, without Python and autograd around them.

    Each argument is a tensor, None, or a tuple, named tuple, list or dict of these, also nested; the function is called
    with arguments of the same structure. It returns tensors, also in lists, tuples and dicts.

    The first calls run as they are. Two of them are recorded and have to be alike; on the CPU the next is undone and
    run as it is, and has to give the same bits. From then on the recording is played: its results are written to the
    same tensors at every call, and no gradient flows from them. A function may change tensors that live longer than
    itself (parameters, state of an optimizer, a generator's), in place; whatever else it reads besides its arguments
    must not change, because it is recorded with the value that it had. Arguments of another structure or shape run as
    they are.

    With `native` kernels, whose numbers are rounded in another way, the first call is played already: the others are
    made before it, and what they change is taken back at the end of `undone()`.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        native: Kernels | None = None,
        undone: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._function = function
        self._native = native
        self._undone = undone
        self._calls = 0
        self._record: Record | None = None
        self._player: Playable | None = None
        self._arguments: list[Argument] = []

    @property
    def plays(self) -> bool:
        """Whether it is played by now."""
        return self._player is not None

    @property
    def inputs(self) -> list[Tensor]:
        """The tensors that the recording reads: its own copies of the arguments' tensors, in order."""
        return [tensor for argument in self._arguments for tensor in argument.tensors]

    def __call__(self, *arguments: Any) -> Any:
        if self._native is not None and self._calls == 0:
            self._rehearse(arguments)
        if self._player is None and self._calls < COMPARED:
            return self._try(arguments)
        if self._player is None or not self._fit(arguments):
            return self._function(*arguments)
        self._fill(arguments)
        return self.play()

    def play(self) -> Any:
        """The function of what `inputs` hold; where it `plays`."""
        assert self._player is not None
        self._player.play()
        return self._player.outputs

    def _rehearse(self, arguments: Sequence[Any]) -> None:
        """All that is before playing, at once."""
        with self._undone():
            while self._player is None and self._calls < COMPARED:
                self._try(arguments)

    def _try(self, arguments: Sequence[Any]) -> Any:
        """Run a call as it is, and look at what it does."""
        self._calls += 1
        if self._calls < RECORDED:
            return self._function(*arguments)
        if self._calls == RECORDED:
            strange = next(filter(is_strange, leaves(arguments)), None)
            if strange is not None:
                self._refuse(f"it takes a {type(strange).__name__}, and not tensors alone")
                return self._function(*arguments)
            self._arguments = [Argument(argument, self._native) for argument in arguments]
        elif not self._fit(arguments):
            self._calls -= 1
            return self._function(*arguments)
        self._fill(arguments)
        return self._compare() if self._calls == COMPARED else self._recorded()

    def _recorded(self) -> Any:
        before = self._record
        self._record = Record(self._function, self._own())
        outputs = self._record.outputs
        if before is not None:
            self._refuse(refusal(before, self._record, self.inputs))
        return outputs

    def _compare(self) -> Any:
        record, self._record = self._record, None
        assert record is not None
        if any(tensor.is_cuda for tensor in self.inputs):
            outputs, self._player = captured(self._function, self._own())
            self._refuse(None if self._player else "it waits for the GPU")
        else:
            outputs, self._player = checked(record, self._function, self._own(), self._native)
            self._refuse(None if self._player else "played, it gave other numbers")
        return outputs

    def _refuse(self, reason: str | None) -> None:
        if reason is not None:
            name = getattr(self._function, "__qualname__", type(self._function).__name__)
            log.warning("%s is not compiled, so it is slower (compile=false: not tried): %s", name, reason)
            self._calls, self._record = COMPARED, None

    def _own(self) -> list[Any]:
        """The recording's own copies of the arguments."""
        return [argument.own for argument in self._arguments]

    def _fit(self, values: Sequence[Any]) -> bool:
        own = self._arguments
        return len(own) == len(values) and all(
            argument.fits(value) for argument, value in zip(own, values, strict=True)
        )

    def _fill(self, values: Sequence[Any]) -> None:
        for argument, value in zip(self._arguments, values, strict=True):
            argument.fill(value)
