"""What each kernel works on: the structures of operands.h, with the same fields in the same order.

A pointer is a tensor, whose memory the kernel uses, an address, or None where the kernel allows for that.
"""

from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

Pointer: TypeAlias = Tensor | int | None
#: Which numbers the tensor has; `Pointer` alone leaves them open.
Floats: TypeAlias = Annotated[Pointer, torch.float32]
Doubles: TypeAlias = Annotated[Pointer, torch.float64]
Ints: TypeAlias = Annotated[Pointer, torch.int64]


class Product(NamedTuple):
    """out (m, n) = a (m, k) b (k, n) + bias, then a ReLU, or the gradient through the ReLU whose result was y."""

    out: Floats
    a: Floats
    b: Floats
    bias: Floats
    y: Floats
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

    out: Floats
    a: Floats
    x: Floats
    bias: Floats
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

    out: Floats
    a: Floats
    m: int
    n: int
    am: int
    factor: float


class Sum(NamedTuple):
    """out = factor times the sum of a (n)."""

    out: Floats
    a: Floats
    n: int
    factor: float


class BatchNorm(NamedTuple):
    """out (m, n) of x (m, n), by the minibatch's statistics or, where means and scales are None, the running ones."""

    out: Floats
    x: Floats
    weight: Floats
    bias: Floats
    running_mean: Floats
    running_var: Floats
    means: Floats
    scales: Floats
    m: int
    n: int
    om: int
    xm: int
    momentum: float
    eps: float


class BatchNormBackward(NamedTuple):
    """The gradients of x (m, n), weight and bias."""

    grad_x: Floats
    grad_weight: Floats
    grad_bias: Floats
    grad: Floats
    x: Floats
    weight: Floats
    means: Floats
    scales: Floats
    m: int
    n: int


class LayerNorm(NamedTuple):
    """out (m, n), and the mean and 1 / deviation of each row of x (m, n)."""

    out: Floats
    means: Floats
    scales: Floats
    x: Floats
    weight: Floats
    bias: Floats
    m: int
    n: int
    eps: float


class LayerNormBackward(NamedTuple):
    """The gradient of x (m, n)."""

    grad_x: Floats
    grad: Floats
    x: Floats
    means: Floats
    scales: Floats
    weight: Floats
    m: int
    n: int


class LayerNormParams(NamedTuple):
    """The gradients of weight (n) and bias (n)."""

    grad_weight: Floats
    grad_bias: Floats
    grad: Floats
    x: Floats
    means: Floats
    scales: Floats
    m: int
    n: int


class Adam(NamedTuple):
    """One step of n parameters."""

    param: Floats
    grad: Floats
    mean: Floats
    square: Floats
    step: Floats
    lr_tensor: Doubles
    n: int
    lr: float
    beta1: float
    beta2: float
    eps: float
    weight_decay: float


class Lerp(NamedTuple):
    """target (n) goes the part `weight` of the way towards end (n)."""

    target: Floats
    end: Floats
    n: int
    weight: float


class Draw(NamedTuple):
    """first (n), uniform in [range[0], range[0] + range[1]), from numpy's generator."""

    generator: Pointer
    range: Ints
    first: Ints
    n: int


class Gather(NamedTuple):
    """The transitions with the numbers first (n) from the arrays of a replay buffer."""

    obs: Pointer
    numbers: Floats
    first: Ints
    to_obs: Pointer
    to_next_obs: Pointer
    to_action: Floats
    to_rest: Floats
    ended: Ints
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
