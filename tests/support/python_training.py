"""Trainings by `ddpg.train` of a second."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from support.runs import TINY, WALK
from support.toys import Walk

#: Without `logger=silent`, which is not needed for a training that prints nothing.
WORDS = [*WALK, *TINY[1:]]


@contextmanager
def at_step(monkeypatch: pytest.MonkeyPatch, number: int, call: Callable[[], object]) -> Iterator[None]:
    """Call a function when the environments of the block have made so many steps, of evaluations too."""
    step = Walk.step
    made = 0

    def counted(self: Walk, action: np.ndarray) -> Any:
        nonlocal made
        made += 1
        if made == number:
            call()
        return step(self, action)

    with monkeypatch.context() as patched:
        patched.setattr(Walk, "step", counted)
        yield
