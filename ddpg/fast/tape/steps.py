"""What steps the kernels of product.h and pointwise.h take for tensors of any layout."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from ddpg.fast.native import Step

KINDS = {torch.float32: "float", torch.float64: "double", torch.int64: "Int"}

#: Numbers that threads need not share.
SMALL = 4096

Steps = Sequence[Step] | None


def each(kernel: str, *operands: Any, into: Tensor, u: float = 0, v: float = 0) -> Steps:
    """Number by number, of one or two operands; those that are numbers themselves, or smaller, are repeated."""
    kind = KINDS.get(into.dtype)
    if kind is None or any(isinstance(value, Tensor) and value.dtype != into.dtype for value in operands):
        return None
    given = [x if isinstance(x, Tensor) else torch.tensor(x, dtype=into.dtype) for x in operands]
    shaped = _as_matrices([into, *(tensor.expand(into.shape) for tensor in given)])
    if shaped is None:
        return None
    strides = [stride for tensor in shaped for stride in tensor.stride()]
    places = [*shaped, *shaped[-1:]][:3]  # one operand: it is the second too
    return [Step(f"{kernel}_{kind}", places, (*shaped[0].shape, *[*strides, *strides[-2:]][:6]), (u, v))]


def _as_matrices(tensors: list[Tensor]) -> list[Tensor] | None:
    """With two dimensions, for tensors of the same shape: small ones in one row, which is done at once."""
    shape, whole = tensors[0].shape, all(tensor.is_contiguous() for tensor in tensors)
    if whole and 0 < tensors[0].numel() <= SMALL:
        return [tensor.view(1, -1) for tensor in tensors]
    if len(shape) < 2:
        return [tensor.reshape(1, -1) if tensor.numel() == 1 else tensor.unsqueeze(0) for tensor in tensors]
    if len(shape) == 2:
        return tensors
    return [tensor.view(shape[0], -1) for tensor in tensors] if whole else None


def product(a: Tensor, b: Tensor, bias: Tensor | None, out: Tensor) -> Steps:
    """a b + bias, with a bias for each column."""
    (m, k), n = a.shape, b.shape[1]
    if not floats(a, b, out) or (bias is not None and not (whole(bias) and bias.shape == (n,))):
        return None
    if n == 1 and a.stride(1) == 1 and b.stride(0) == 1:
        return [Step("dots", [out, a, b, bias], (m, k, a.stride(0), out.stride(0), 0, 0))]
    if m == 1 and b.stride(0) == 1 and a.stride(1) == 1:
        return [Step("dots", [out, b, a, bias], (n, k, b.stride(1), out.stride(1), 1, 0))]
    strides = (*a.stride(), *b.stride(), *out.stride())
    return [Step("product", [out, a, b, bias], (m, n, k, *strides, 0, bias is not None, 0))]


def floats(*tensors: Tensor) -> bool:
    return all(tensor.dtype == torch.float32 for tensor in tensors)


def whole(*tensors: Tensor) -> bool:
    """Single precision, each in one piece."""
    return floats(*tensors) and all(tensor.is_contiguous() for tensor in tensors)


def rows(tensor: Tensor) -> bool:
    """A matrix whose rows are each in one piece."""
    return floats(tensor) and tensor.dim() == 2 and (tensor.stride(1) == 1 or tensor.shape[1] == 1)
