"""Functions to record, and the comparison of what they give."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from hypothesis import strategies as st
from torch import Tensor


def leaves(value: Any) -> list[Any]:
    """List what lies in nested dicts, lists and tuples, in order."""
    if isinstance(value, dict):
        value = list(value.values())
    return [leaf for item in value for leaf in leaves(item)] if isinstance(value, list | tuple) else [value]


def assert_same_bits(one: Any, other: Any) -> None:
    """Require the same structure, and the same bits in all tensors, NaN too."""
    for a, b in zip(leaves(one), leaves(other), strict=True):
        assert a.numpy().tobytes() == b.numpy().tobytes() if isinstance(a, Tensor) else a == b


#: Kernels that work in place, view, transpose, widen and narrow: what a plan of the memory can get wrong.
STEPS: list[Callable[[Tensor, Tensor], Tensor]] = [
    lambda a, b: a + b,
    lambda a, b: a * b,
    lambda a, b: a @ b,
    lambda a, b: a.t() @ b,
    lambda a, b: (a - b).t(),
    lambda a, b: torch.relu(a) - 1,
    lambda a, b: (a + 1).relu_(),
    lambda a, b: torch.cat([a, b], dim=1)[:, 1:5],
    lambda a, b: a.sum(dim=0) + b,
    lambda a, b: torch.tanh(a) / 2 + b.mean(),
    lambda a, b: torch.stack([a, b]).amin(dim=0),
    lambda a, b: torch.where(a > b, a, -b),
    lambda a, b: a.clone().add_(b),
    lambda a, b: (a.t().contiguous() + b.t()).t(),
    lambda a, b: b.clamp(-1, 1),
]

#: Steps of two operands each, which are any of the inputs and of the steps' results before.
PROGRAMS = st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 30), st.integers(0, 30)), min_size=1, max_size=12)


def as_function(program: Sequence[tuple[Callable[..., Tensor], int, int]]) -> Callable[[Tensor, Tensor], Tensor]:
    """Make a function of a program's two inputs that gives the last step's result."""

    def function(x: Tensor, y: Tensor) -> Tensor:
        values = [x, y]
        for step, i, j in program:
            values.append(step(values[i % len(values)], values[j % len(values)]))
        return values[-1]

    return function


@contextmanager
def restored(*tensors: Tensor) -> Iterator[None]:
    """Undo at the block's end what is done to the tensors."""
    before = [tensor.detach().clone() for tensor in tensors]
    yield
    for tensor, content in zip(tensors, before, strict=True):
        tensor.data.copy_(content)
