"""The outcome of making a replay of a function."""

from typing import Any, NamedTuple, Protocol


class Replayable(Protocol):
    """A recording, with the tensors that it writes its results to."""

    outputs: Any

    def replay(self) -> None: ...


class Trial(NamedTuple):
    """What the function returned when it was called, and its replay or the reason why there is none."""

    outputs: Any
    replay: Replayable | None
    reason: str | None
