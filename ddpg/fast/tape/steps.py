"""Steps of native kernels for tensors of any layout: number by number, products, and a ReLU after these."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from ddpg.fast.native import Step
from ddpg.fast.native.operands import Dots, Elementwise, Product

#: The types of numbers that kernels are there for, as the kernels' names end.
TYPES = {torch.float32: "float", torch.float64: "double", torch.int64: "Int"}

#: So many numbers threads need not share.
SMALL = 4096

#: None: there are no kernels for such tensors.
Steps = Sequence[Step] | None


def elementwise(kernel: str, *operands: Tensor | float, into: Tensor, u: float = 0, v: float = 0) -> Steps:
    """Compute `into` number by number from one or two operands; numbers, and smaller tensors, are repeated."""
    kind = TYPES.get(into.dtype)
    if kind is None or any(isinstance(value, Tensor) and value.dtype != into.dtype for value in operands):
        return None
    inputs = [value if isinstance(value, Tensor) else torch.tensor(value, dtype=into.dtype) for value in operands]
    matrices = _as_matrices([into, *(tensor.expand(into.shape) for tensor in inputs)])
    if matrices is None:
        return None
    out, a, b = [*matrices, matrices[-1]][:3]  # a single operand is the second one too
    structure = Elementwise(
        out=out,
        a=a,
        b=b,
        rows=out.shape[0],
        columns=out.shape[1],
        out_row=out.stride(0),
        out_column=out.stride(1),
        a_row=a.stride(0),
        a_column=a.stride(1),
        b_row=b.stride(0),
        b_column=b.stride(1),
        u=u,
        v=v,
    )
    return [Step(f"{kernel}_{kind}", structure)]


def _as_matrices(tensors: list[Tensor]) -> list[Tensor] | None:
    """View tensors of the same shape with two dimensions: small ones as one row, which is done at once."""
    shape = tensors[0].shape
    whole = all(tensor.is_contiguous() for tensor in tensors)
    if whole and 0 < tensors[0].numel() <= SMALL:
        return [tensor.view(1, -1) for tensor in tensors]
    if len(shape) < 2:
        return [tensor.reshape(1, -1) if tensor.numel() == 1 else tensor.unsqueeze(0) for tensor in tensors]
    if len(shape) == 2:
        return tensors
    return [tensor.view(shape[0], -1) for tensor in tensors] if whole else None


def product(a: Tensor, b: Tensor, bias: Tensor | None, out: Tensor) -> Steps:
    """Compute out (m, n) = a (m, k) b (k, n) + bias, which is one number for each column."""
    if not are_float32(a, b, out):
        return None
    if bias is not None and not (are_contiguous(bias) and bias.shape == (b.shape[1],)):
        return None
    if b.shape[1] == 1 and a.stride(1) == 1 and b.stride(0) == 1:
        return [_dots(a, b, bias, out, om=out.stride(0), bias_m=0)]
    if a.shape[0] == 1 and b.stride(0) == 1 and a.stride(1) == 1:
        return [_dots(b.t(), a, bias, out, om=out.stride(1), bias_m=1)]
    structure = Product(
        out=out,
        a=a,
        b=b,
        bias=bias,
        y=None,
        m=a.shape[0],
        n=b.shape[1],
        k=a.shape[1],
        am=a.stride(0),
        ak=a.stride(1),
        bk=b.stride(0),
        bn=b.stride(1),
        om=out.stride(0),
        on=out.stride(1),
        row_bias=0,
        column_bias=bias is not None,
        relu=0,
    )
    return [Step("product", structure)]


def _dots(a: Tensor, x: Tensor, bias: Tensor | None, out: Tensor, om: int, bias_m: int) -> Step:
    """Compute the numbers of out, which are om apart, as a (m, k) x + bias."""
    m, k = a.shape
    am = a.stride(0)
    return Step("dots", Dots(out=out, a=a, x=x, bias=bias, m=m, k=k, am=am, om=om, bias_m=bias_m, relu=0))


def with_relu(step: Step) -> Step | None:
    """Return the step and a ReLU of its result; None if its kernel cannot do that."""
    if isinstance(step.operands, Product | Dots):
        return replace(step, operands=step.operands._replace(relu=1))
    return None


def through_relu(step: Step, y: Tensor) -> Step | None:
    """Return the step and its result, a gradient, through the ReLU that gave y; None if its kernel cannot do that."""
    if isinstance(step.operands, Product) and step.operands.y is None and not step.operands.relu:
        return replace(step, operands=step.operands._replace(y=y))
    return None


def are_float32(*tensors: Tensor) -> bool:
    """Tell whether all tensors are of single precision."""
    return all(tensor.dtype == torch.float32 for tensor in tensors)


def are_contiguous(*tensors: Tensor) -> bool:
    """Tell whether all tensors are of single precision, and each lies in one piece."""
    return are_float32(*tensors) and all(tensor.is_contiguous() for tensor in tensors)


def has_contiguous_rows(tensor: Tensor) -> bool:
    """Tell whether a tensor is a matrix of single precision whose rows lie in one piece each."""
    return are_float32(tensor) and tensor.dim() == 2 and (tensor.stride(1) == 1 or tensor.shape[1] == 1)
