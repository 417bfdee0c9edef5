"""A recorded function: what it did is replayed without the Python, the autograd and the fresh memory around it."""

import logging
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from torch import Tensor

from ddpg.errors import kind_of
from ddpg.fast.native import Kernels
from ddpg.fast.tape.arguments import Argument
from ddpg.fast.tape.cpu import try_replay
from ddpg.fast.tape.cuda import try_graph
from ddpg.fast.tape.internals import new_recorder
from ddpg.fast.tape.obstacles import failure, obstacle
from ddpg.fast.tape.recorder import Record
from ddpg.fast.tape.structure import foreign_leaf
from ddpg.fast.tape.trial import ALL, Replayable, Trial

log = logging.getLogger(__name__)

#: The first calls of a function run as they are, so that optimizers create their state.
WARM_UP = 2
#: The next calls are recorded, and have to be alike.
RECORDS = 2
#: One more call is compared with a replay. So many calls pass until the recording is replayed.
CALLS_BEFORE_REPLAY = WARM_UP + RECORDS + 1


class Tape:
    """`function(*arguments)`, recorded and then replayed: the same results in less time.

    Each argument is a tensor, None, or a tuple, named tuple, list or dict of these, also nested; the function is called
    with arguments of the same structure. It returns tensors, also in lists, tuples and dicts.

    The first calls run as they are. Two of them are recorded and have to be alike; on the CPU the next is undone and
    run as it is, and has to give the same bits. From then on the recording is replayed: its results are written to the
    same tensors at every call, and no gradient flows from them. Where that cannot be, one warning says why, and the
    function runs as it is. A function may change tensors that live longer than itself (parameters, state of an
    optimizer, a generator's), in place; whatever else it reads besides its arguments must not change, because it is
    recorded with the value that it had. Arguments of another structure or shape run as they are.

    With `native` kernels, whose numbers are rounded in another way, the first call is replayed already: the others are
    made before it, and what they change is taken back at the end of `rollback()`.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        native: Kernels | None = None,
        rollback: Callable[[], AbstractContextManager[None]] = nullcontext,
    ) -> None:
        self._function = function
        self._native = native
        self._rollback = rollback
        self._arguments: list[Argument] = []
        self._warm_ups = 0
        self._records: list[Record] = []
        self._replay: Replayable | None = None
        self._is_decided = False
        #: The operators that torch's kernels compute.
        self.by_torch: Sequence[str] = ALL

    @property
    def is_replayed(self) -> bool:
        """Whether a call replays the recording by now."""
        return self._replay is not None

    @property
    def inputs(self) -> list[Tensor]:
        """The tensors that the recording reads: its own copies of the arguments' tensors, in order."""
        return [tensor for argument in self._arguments for tensor in argument.tensors]

    @property
    def outputs(self) -> Any:
        """What a replay writes its results to. Only where it `is_replayed`."""
        assert self._replay is not None
        return self._replay.outputs

    def __call__(self, *arguments: Any) -> Any:
        if self._native is not None and not self._is_decided:
            self._rehearse(arguments)
        if not self._is_decided:
            return self._observe(arguments)
        if self._replay is None or not self._fit(arguments):
            return self._function(*arguments)
        self._fill(arguments)
        return self.replay()

    def replay(self) -> Any:
        """Return the function of what `inputs` hold. Only where it `is_replayed`."""
        assert self._replay is not None
        self._replay.replay()
        return self._replay.outputs

    def _rehearse(self, arguments: Sequence[Any]) -> None:
        """Make all calls before the first replay at once, and undo what they change."""
        self._records = []
        with self._rollback():
            while not self._is_decided:
                self._observe(arguments)

    def _observe(self, arguments: Sequence[Any]) -> Any:
        """Call the function as it is, and go one step further towards a replay."""
        if self._warm_ups < WARM_UP:
            self._warm_ups += 1
            return self._function(*arguments)
        if not self._records:
            reason = self._copy(arguments)
            if reason is not None:
                self._refuse(reason)
                return self._function(*arguments)
        elif not self._fit(arguments):
            return self._function(*arguments)
        self._fill(arguments)
        return self._record() if len(self._records) < RECORDS else self._compare()

    def _copy(self, arguments: Sequence[Any]) -> str | None:
        """Make the recording's own copies of the arguments; return why that cannot be."""
        foreign = foreign_leaf(arguments)
        if foreign is not None:
            return f"it takes {kind_of(foreign)}, and not tensors alone, in lists, tuples and dicts"
        try:
            self._arguments = [Argument(argument, self._native) for argument in arguments]
        except Exception as error:
            return failure("copying its arguments", error)
        return None

    def _record(self) -> Any:
        """Call the function on the recording's own copies of the arguments, and record what it does."""
        try:
            recorder = new_recorder()
        except Exception as error:  # a torch that records in another way
            self._refuse(failure("recording it", error))
            return self._function(*self._own_arguments())
        with recorder:
            outputs = self._function(*self._own_arguments())
        try:
            self._records.append(Record(recorder.calls, outputs))
            reason = obstacle(self._records, self.inputs) if len(self._records) == RECORDS else None
        except Exception as error:
            reason = failure("recording it", error)
        if reason is not None:
            self._refuse(reason)
        return outputs

    def _compare(self) -> Any:
        """Call the function, and decide whether a replay does the same."""
        trial = self._trial()
        if trial.reason is not None:
            self._refuse(trial.reason)
        self._replay = trial.replay
        self.by_torch = trial.by_torch
        self._is_decided = True
        self._records = []
        return trial.outputs

    def _trial(self) -> Trial:
        if any(tensor.is_cuda for tensor in self.inputs):
            return try_graph(self._function, self._own_arguments())
        return try_replay(self._records[-1], self._function, self._own_arguments(), self._native)

    def _refuse(self, reason: str) -> None:
        function = getattr(self._function, "func", self._function)  # of a partial
        name = getattr(function, "__qualname__", type(function).__name__)
        log.warning("%s is not compiled, so it is slower (compile=false: not tried): %s", name, reason)
        self._is_decided = True
        self._records = []

    def _own_arguments(self) -> list[Any]:
        """The recording's own copies of the arguments."""
        return [argument.own for argument in self._arguments]

    def _fit(self, values: Sequence[Any]) -> bool:
        if len(self._arguments) != len(values):
            return False
        for argument, value in zip(self._arguments, values, strict=True):  # noqa: SIM110 (all() takes twice as long)
            if not argument.fits(value):
                return False
        return True

    def _fill(self, values: Sequence[Any]) -> None:
        for argument, value in zip(self._arguments, values, strict=True):
            argument.fill(value)
