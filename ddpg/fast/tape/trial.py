"""The outcome of making a replay of a function."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

#: Stands for all operators.
ALL = ("all",)


class Replayable(Protocol):
    """A recording, with the tensors that it writes its results to."""

    outputs: Any

    def replay(self) -> None: ...


class Trial(NamedTuple):
    """What the function returned when it was called, and its replay or the reason why there is none.

    `by_torch` lists the operators that torch's kernels compute from now on.
    """

    outputs: Any
    replay: Replayable | None
    reason: str | None
    by_torch: Sequence[str] = ALL
