"""What each kernel works on: the structures of operands.h, with the same fields in the same order.

A pointer is a tensor, whose memory the kernel uses, an address, or None where the kernel allows for that.
"""

import struct
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, TypeAlias, get_type_hints

from torch import Tensor

Pointer: TypeAlias = Tensor | int | None


class Product(NamedTuple):
    """out (m, n) = a (m, k) b (k, n) + bias, then a ReLU, or the gradient through the ReLU whose result was y."""

    out: Pointer
    a: Pointer
    b: Pointer
    bias: Pointer
    y: Pointer
    m: int
    n: int
    k: int
    am: int
    ak: int
    bk: int
    bn: int
    om: int
    on: int
    row_bias: int
    column_bias: int
    relu: int


class Dots(NamedTuple):
    """out (m) = a (m, k) x (k) + bias, then a ReLU."""

    out: Pointer
    a: Pointer
    x: Pointer
    bias: Pointer
    m: int
    k: int
    am: int
    om: int
    bias_m: int
    relu: int


class Elementwise(NamedTuple):
    """out = f(a, b), number by number, all of shape (rows, columns) with any strides."""

    out: Pointer
    a: Pointer
    b: Pointer
    rows: int
    columns: int
    out_row: int
    out_column: int
    a_row: int
    a_column: int
    b_row: int
    b_column: int
    u: float
    v: float


class Conversion(NamedTuple):
    """out (n) = a (n), of another precision."""

    out: Pointer
    a: Pointer
    n: int


class RowReduction(NamedTuple):
    """out (n) from each column of a (m, n)."""

    out: Pointer
    a: Pointer
    m: int
    n: int
    am: int
    factor: float


class Sum(NamedTuple):
    """out = factor times the sum of a (n)."""

    out: Pointer
    a: Pointer
    n: int
    factor: float


class BatchNorm(NamedTuple):
    """out (m, n) of x (m, n), by the minibatch's statistics or, where means and scales are None, the running ones."""

    out: Pointer
    x: Pointer
    weight: Pointer
    bias: Pointer
    running_mean: Pointer
    running_var: Pointer
    means: Pointer
    scales: Pointer
    m: int
    n: int
    om: int
    xm: int
    momentum: float
    eps: float


class BatchNormBackward(NamedTuple):
    """The gradients of x (m, n), weight and bias."""

    grad_x: Pointer
    grad_weight: Pointer
    grad_bias: Pointer
    grad: Pointer
    x: Pointer
    weight: Pointer
    means: Pointer
    scales: Pointer
    m: int
    n: int


class LayerNorm(NamedTuple):
    """out (m, n), and the mean and 1 / deviation of each row of x (m, n)."""

    out: Pointer
    means: Pointer
    scales: Pointer
    x: Pointer
    weight: Pointer
    bias: Pointer
    m: int
    n: int
    eps: float


class LayerNormBackward(NamedTuple):
    """The gradient of x (m, n)."""

    grad_x: Pointer
    grad: Pointer
    x: Pointer
    means: Pointer
    scales: Pointer
    weight: Pointer
    m: int
    n: int


class LayerNormParams(NamedTuple):
    """The gradients of weight (n) and bias (n)."""

    grad_weight: Pointer
    grad_bias: Pointer
    grad: Pointer
    x: Pointer
    means: Pointer
    scales: Pointer
    m: int
    n: int


class Adam(NamedTuple):
    """One step of n parameters."""

    param: Pointer
    grad: Pointer
    mean: Pointer
    square: Pointer
    step: Pointer
    lr_tensor: Pointer
    n: int
    lr: float
    beta1: float
    beta2: float
    eps: float
    weight_decay: float


class Lerp(NamedTuple):
    """target (n) goes the part `weight` of the way towards end (n)."""

    target: Pointer
    end: Pointer
    n: int
    weight: float


class Draw(NamedTuple):
    """first (n), uniform in [range[0], range[0] + range[1]), from numpy's generator."""

    generator: Pointer
    range: Pointer
    first: Pointer
    n: int


class Gather(NamedTuple):
    """The transitions with the numbers first (n) from the arrays of a replay buffer."""

    obs: Pointer
    numbers: Pointer
    first: Pointer
    to_obs: Pointer
    to_next_obs: Pointer
    to_action: Pointer
    to_rest: Pointer
    ended: Pointer
    n: int
    slots: int
    bytes: int
    width: int


@dataclass(frozen=True)
class Step:
    """One call of a kernel: its name, and what it works on."""

    kernel: str
    #: one of the structures above
    operands: tuple[Any, ...]


def packed(operands: tuple[Any, ...]) -> bytes:
    """Return the structure as C has it. Each field takes 8 bytes, so there are no gaps."""
    return struct.pack(_layout(type(operands)), *map(_word, operands))


def _word(field: Tensor | float | None) -> float:
    """Return the number that C gets: of a tensor its address, of None NULL."""
    if isinstance(field, Tensor):
        return field.data_ptr()
    return 0 if field is None else field


@cache
def _layout(structure: type[Any]) -> str:
    kinds = {int: "q", float: "d"}
    return "".join(kinds.get(hint, "Q") for hint in get_type_hints(structure).values())
