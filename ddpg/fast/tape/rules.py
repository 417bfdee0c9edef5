"""Calls of torch's operators as steps of native kernels: what each operator does in terms of kernels.c."""

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import cache

import torch
from torch import Tensor

from ddpg.errors import first_line
from ddpg.fast.native import Step
from ddpg.fast.native.operands import Adam, Conversion, Lerp, RowReduction, Sum
from ddpg.fast.tape.internals import name_of, storage_id
from ddpg.fast.tape.lifetimes import PlacedCall
from ddpg.fast.tape.norm_rules import batch_norm, batch_norm_backward, layer_norm, layer_norm_backward
from ddpg.fast.tape.steps import Steps, are_contiguous, elementwise, has_contiguous_rows, product

log = logging.getLogger(__name__)

#: Returns None for arguments that the native kernels are not made for.
Rule = Callable[[PlacedCall], Steps]


def steps_for(call: PlacedCall) -> Steps:
    """Return steps that do the same as a call; None if only torch can do it."""
    name = name_of(call.operator)
    rule = RULES.get(name)
    try:
        return rule(call) if rule else None
    except Exception as error:  # a fault of the rule costs speed, not the run
        _report_faulty_rule(name, first_line(error))
        return None


@cache
def _report_faulty_rule(name: str, error: str) -> None:
    """Log, once for each fault, that a rule fails."""
    log.warning("%s is computed by torch's kernel, which is slower, because its rule failed: %s", name, error)


def _mm(call: PlacedCall) -> Steps:
    return product(call.args[0], call.args[1], None, call.results[0])


def _addmm(call: PlacedCall) -> Steps:
    return None if call.kwargs else product(call.args[1], call.args[2], call.args[0], call.results[0])


def _elementwise(kernel: str, *order: int) -> Rule:
    """Make the rule of a kernel that works number by number on the arguments at these places."""

    def rule(call: PlacedCall) -> Steps:
        if call.kwargs or len(call.args) != len(order):
            return None
        return elementwise(kernel, *(call.args[i] for i in order), into=call.results[0])

    return rule


def _threshold_backward(call: PlacedCall) -> Steps:
    grad, y, threshold = call.args
    return elementwise("threshold_backward", grad, y, into=call.results[0], u=threshold)


def _clamp(call: PlacedCall) -> Steps:
    if len(call.args) != 3 or not all(isinstance(bound, float | int) for bound in call.args[1:]):
        return None
    x, low, high = call.args
    return elementwise("clamp", x, into=call.results[0], u=low, v=high)


def _clamp_by_tensors(call: PlacedCall) -> Steps:
    if call.kwargs or len(call.args) != 3 or not all(isinstance(bound, Tensor) for bound in call.args[1:]):
        return None
    x, low, high = call.args
    out = call.results[0]
    if storage_id(out) == storage_id(high):  # it is read after the first step
        return None
    return _all([elementwise("maximum", x, low, into=out), elementwise("minimum", out, high, into=out)])


def _to_copy(call: PlacedCall) -> Steps:
    """Convert between single and double precision."""
    kernels = {(torch.float32, torch.float64): "widen", (torch.float64, torch.float32): "narrow"}
    a, out = call.args[0], call.results[0]
    kernel = kernels.get((a.dtype, out.dtype))
    if kernel is None or not (a.is_contiguous() and out.is_contiguous()):
        return None
    return [Step(kernel, Conversion(out=out, a=a, n=a.numel()))]


def _cat(call: PlacedCall) -> Steps:
    parts = call.args[0]
    dim = call.args[1] if len(call.args) > 1 else 0
    if any(part.dim() != call.results[0].dim() for part in parts):  # torch allows for an empty vector among matrices
        return None
    return copies(call.results[0].split([part.shape[dim] for part in parts], dim), parts)


def _stack(call: PlacedCall) -> Steps:
    dim = call.args[1] if len(call.args) > 1 else 0
    return copies(call.results[0].unbind(dim), call.args[0])


def _reduction_of_rows(kernel: str, mean: bool = False) -> Rule:
    """Make the rule of a kernel that makes one number of each column of a matrix."""

    def rule(call: PlacedCall) -> Steps:
        if call.kwargs or len(call.args) == 1:
            return None
        a, dims = call.args[:2]
        out = call.results[0]
        if list(dims) != [0] or len(a) == 0 or not has_contiguous_rows(a) or not are_contiguous(out):
            return None
        m, n = a.shape
        factor = 1 / m if mean else 1
        return [Step(kernel, RowReduction(out=out, a=a, m=m, n=n, am=a.stride(0), factor=factor))]

    return rule


def _sum(mean: bool = False) -> Rule:
    """Make the rule of the sum or the mean of all numbers."""

    def rule(call: PlacedCall) -> Steps:
        a, out = call.args[0], call.results[0]
        if call.kwargs or len(call.args) != 1 or a.numel() == 0 or not are_contiguous(a, out):
            return None
        factor = 1 / a.numel() if mean else 1
        return [Step("sum", Sum(out=out, a=a, n=a.numel(), factor=factor))]

    return rule


def _adam(call: PlacedCall) -> Steps:
    params, grads, means, squares, _, steps = call.args
    lr = call.kwargs["lr"]
    lr_tensor = lr if isinstance(lr, Tensor) else None
    special = any(call.kwargs.get(name) for name in ("amsgrad", "maximize", "grad_scale", "found_inf"))
    single = lr_tensor is not None and lr_tensor.dtype != torch.float64
    if special or single or not are_contiguous(*params, *grads, *means, *squares, *steps):
        return None
    numbers = {name: call.kwargs[name] for name in ("beta1", "beta2", "eps", "weight_decay")}
    numbers["lr"] = 0 if lr_tensor is not None else lr
    states = zip(params, grads, means, squares, steps, strict=True)
    return [
        Step("adam", Adam(p, grad, mean, square, step, lr_tensor=lr_tensor, n=p.numel(), **numbers))
        for p, grad, mean, square, step in states
    ]


def _lerp(call: PlacedCall) -> Steps:
    targets, ends, weight = call.args
    if not are_contiguous(*targets, *ends):
        return None
    pairs = zip(targets, ends, strict=True)
    return [Step("lerp", Lerp(target=target, end=end, n=target.numel(), weight=weight)) for target, end in pairs]


def _foreach_copy(call: PlacedCall) -> Steps:
    return copies(call.args[0], call.args[1])


def copies(targets: Sequence[Tensor], sources: Sequence[Tensor]) -> Steps:
    """Copy each source to its target."""
    pairs = zip(targets, sources, strict=True)
    return _all(elementwise("copy", source, into=target) for target, source in pairs)


def _all(parts: Iterable[Steps]) -> Steps:
    """Put steps one after the other; None if one of them is None."""
    steps: list[Step] = []
    for part in parts:
        if part is None:
            return None
        steps += part
    return steps


#: By the full names of torch's operators. A name that torch no longer has is never looked up.
RULES: dict[str, Rule] = {
    "aten.mm.default": _mm,
    "aten.addmm.default": _addmm,
    "aten.add.Tensor": _elementwise("add", 0, 1),
    "aten.add_.Tensor": _elementwise("add", 0, 1),
    "aten.sub.Tensor": _elementwise("sub", 0, 1),
    "aten.rsub.Scalar": _elementwise("sub", 1, 0),
    "aten.mul.Tensor": _elementwise("mul", 0, 1),
    "aten.mul_.Tensor": _elementwise("mul", 0, 1),
    "aten.div.Tensor": _elementwise("div", 0, 1),
    "aten.div.Scalar": _elementwise("div", 0, 1),
    "aten.pow.Scalar": _elementwise("pow", 0, 1),
    "aten.neg.default": _elementwise("neg", 0),
    "aten.abs.default": _elementwise("abs", 0),
    "aten.sqrt.default": _elementwise("sqrt", 0),
    "aten.relu.default": _elementwise("relu", 0),
    "aten.relu_.default": _elementwise("relu", 0),
    "aten.tanh.default": _elementwise("tanh", 0),
    "aten.tanh_backward.default": _elementwise("tanh_backward", 0, 1),
    "aten.threshold_backward.default": _threshold_backward,
    "aten.clamp.default": _clamp,
    "aten.clamp.Tensor": _clamp_by_tensors,
    "aten._to_copy.default": _to_copy,
    "aten.cat.default": _cat,
    "aten.stack.default": _stack,
    "aten.sum.dim_IntList": _reduction_of_rows("sum_rows"),
    "aten.mean.dim": _reduction_of_rows("sum_rows", mean=True),
    "aten.amin.default": _reduction_of_rows("min_rows"),
    "aten.sum.default": _sum(),
    "aten.mean.default": _sum(mean=True),
    "aten.native_batch_norm.default": batch_norm,
    "aten.native_batch_norm_backward.default": batch_norm_backward,
    "aten.native_layer_norm.default": layer_norm,
    "aten.native_layer_norm_backward.default": layer_norm_backward,
    "aten._fused_adam_.default": _adam,
    "aten._fused_adam_.tensor_lr": _adam,
    "aten._foreach_lerp_.Scalar": _lerp,
    "aten._foreach_copy_.default": _foreach_copy,
}
