"""Calls of torch's operators as steps of native kernels: what each operator does in terms of kernels.c."""

import logging
from collections.abc import Callable, Iterable, Sequence
from functools import cache

import torch
from torch import Tensor

from ddpg.errors import first_line
from ddpg.fast.native import Step
from ddpg.fast.tape.internals import name_of, storage_id
from ddpg.fast.tape.lifetimes import PlacedCall
from ddpg.fast.tape.steps import Steps, each, product, rows, whole

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


def _map(kernel: str, *order: int) -> Rule:
    """A kernel that works number by number on the arguments at these places."""

    def rule(call: PlacedCall) -> Steps:
        if call.kwargs or len(call.args) != len(order):
            return None
        return each(kernel, *(call.args[i] for i in order), into=call.results[0])

    return rule


def _threshold_backward(call: PlacedCall) -> Steps:
    return each("threshold_backward", call.args[0], call.args[1], into=call.results[0], u=call.args[2])


def _clamp(call: PlacedCall) -> Steps:
    if len(call.args) != 3 or not all(isinstance(bound, float | int) for bound in call.args[1:]):
        return None
    return each("clamp", call.args[0], into=call.results[0], u=call.args[1], v=call.args[2])


def _clamp_by_tensors(call: PlacedCall) -> Steps:
    if call.kwargs or len(call.args) != 3 or not all(isinstance(bound, Tensor) for bound in call.args[1:]):
        return None
    x, low, high = call.args
    out = call.results[0]
    if storage_id(out) == storage_id(high):  # it is read after the first step
        return None
    return _all([each("maximum", x, low, into=out), each("minimum", out, high, into=out)])


def _to_copy(call: PlacedCall) -> Steps:
    """Between single and double precision."""
    kernel = {(torch.float32, torch.float64): "widen", (torch.float64, torch.float32): "narrow"}
    kinds = call.args[0].dtype, call.results[0].dtype
    if kinds not in kernel or not (call.args[0].is_contiguous() and call.results[0].is_contiguous()):
        return None
    return [Step(kernel[kinds], [call.results[0], call.args[0]], (call.args[0].numel(),))]


def _cat(call: PlacedCall) -> Steps:
    parts, dim = call.args[0], call.args[1] if len(call.args) > 1 else 0
    if any(part.dim() != call.results[0].dim() for part in parts):  # torch allows for an empty vector among matrices
        return None
    places = call.results[0].split([part.shape[dim] for part in parts], dim)
    return _all(each("copy", part, into=place) for part, place in zip(parts, places, strict=True))


def _stack(call: PlacedCall) -> Steps:
    places = call.results[0].unbind(call.args[1] if len(call.args) > 1 else 0)
    return _all(each("copy", part, into=place) for part, place in zip(call.args[0], places, strict=True))


def _all(parts: Iterable[Steps]) -> Steps:
    parts = list(parts)
    return None if any(part is None for part in parts) else [step for part in parts for step in part or ()]


def _over_rows(kernel: str, mean: bool = False) -> Rule:
    """Of each column of a matrix."""

    def rule(call: PlacedCall) -> Steps:
        if call.kwargs or len(call.args) == 1:
            return None
        a, dims = call.args[:2]
        if list(dims) != [0] or len(a) == 0 or not rows(a) or not whole(call.results[0]):
            return None
        return [Step(kernel, [call.results[0], a], (*a.shape, a.stride(0)), (1 / a.shape[0] if mean else 1,))]

    return rule


def _over_all(mean: bool = False) -> Rule:
    def rule(call: PlacedCall) -> Steps:
        a = call.args[0]
        if call.kwargs or len(call.args) != 1 or a.numel() == 0 or not whole(a, call.results[0]):
            return None
        return [Step("sum", [call.results[0], a], (a.numel(),), (1 / a.numel() if mean else 1,))]

    return rule


def _batch_norm(call: PlacedCall) -> Steps:
    x, *state, training, momentum, eps = call.args
    out, *saved = call.results
    if not (rows(x) and rows(out) and all(tensor is not None and whole(tensor) for tensor in state)):
        return None
    strides = out.stride(0), x.stride(0)
    return [Step("batch_norm", [out, x, *state, *(saved if training else [])], (*x.shape, *strides), (momentum, eps))]


def _batch_norm_backward(call: PlacedCall) -> Steps:
    grad, x, weight, _, _, mean, scale, training, _, wanted = call.args
    if not training or list(wanted[1:]) != [True, True] or not whole(grad, x, weight, mean, scale):
        return None
    grads = call.results if wanted[0] else [None, *call.results]
    return [Step("batch_norm_backward", [*grads, grad, x, weight, mean, scale], x.shape)]


def _layer_norm(call: PlacedCall) -> Steps:
    x, shape, weight, bias, eps = call.args
    if x.dim() != 2 or len(shape) != 1 or weight is None or bias is None or not whole(x, weight, bias, *call.results):
        return None
    return [Step("layer_norm", [*call.results, x, weight, bias], x.shape, (eps,))]


def _layer_norm_backward(call: PlacedCall) -> Steps:
    grad, x, shape, mean, scale, weight, _, wanted = call.args
    if x.dim() != 2 or len(shape) != 1 or weight is None or not whole(grad, x, mean, scale, weight, *call.results):
        return None
    if wanted[1] != wanted[2]:
        return None
    inputs, left = [], list(call.results)
    if wanted[0]:
        inputs.append(Step("layer_norm_backward", [left.pop(0), grad, x, mean, scale, weight], x.shape))
    if wanted[1]:
        inputs.append(Step("layer_norm_params", [*left, grad, x, mean, scale], x.shape))
    return inputs


def _adam(call: PlacedCall) -> Steps:
    params, grads, means, squares, _, counts = call.args
    lr, special = call.kwargs["lr"], ("amsgrad", "maximize", "grad_scale", "found_inf")
    plain = not any(call.kwargs.get(name) for name in special)
    double = lr.dtype == torch.float64 if isinstance(lr, Tensor) else True
    if not (plain and double and whole(*params, *grads, *means, *squares, *counts)):
        return None
    at = lr if isinstance(lr, Tensor) else None
    x = (0 if at is not None else lr, *(call.kwargs[name] for name in ("beta1", "beta2", "eps", "weight_decay")))
    of_each = zip(params, grads, means, squares, counts, strict=True)
    return [Step("adam", [*tensors, at], (tensors[0].numel(),), x) for tensors in of_each]


def _lerp(call: PlacedCall) -> Steps:
    targets, towards, part = call.args
    if not whole(*targets, *towards):
        return None
    pairs = zip(targets, towards, strict=True)
    return [Step("lerp", [target, to], (target.numel(),), (part,)) for target, to in pairs]


def copies(targets: Sequence[Tensor], sources: Sequence[Tensor]) -> Steps:
    """Copy each source to its target."""
    return _all(each("copy", source, into=target) for target, source in zip(targets, sources, strict=True))


#: By the full names of torch's operators. A name that torch no longer has is never looked up.
RULES: dict[str, Rule] = {
    "aten.mm.default": _mm,
    "aten.addmm.default": _addmm,
    "aten.add.Tensor": _map("add", 0, 1),
    "aten.add_.Tensor": _map("add", 0, 1),
    "aten.sub.Tensor": _map("sub", 0, 1),
    "aten.rsub.Scalar": _map("sub", 1, 0),
    "aten.mul.Tensor": _map("mul", 0, 1),
    "aten.mul_.Tensor": _map("mul", 0, 1),
    "aten.div.Tensor": _map("div", 0, 1),
    "aten.div.Scalar": _map("div", 0, 1),
    "aten.pow.Scalar": _map("pow", 0, 1),
    "aten.neg.default": _map("neg", 0),
    "aten.abs.default": _map("abs", 0),
    "aten.sqrt.default": _map("sqrt", 0),
    "aten.relu.default": _map("relu", 0),
    "aten.relu_.default": _map("relu", 0),
    "aten.tanh.default": _map("tanh", 0),
    "aten.tanh_backward.default": _map("tanh_backward", 0, 1),
    "aten.threshold_backward.default": _threshold_backward,
    "aten.clamp.default": _clamp,
    "aten.clamp.Tensor": _clamp_by_tensors,
    "aten._to_copy.default": _to_copy,
    "aten.cat.default": _cat,
    "aten.stack.default": _stack,
    "aten.sum.dim_IntList": _over_rows("sum_rows"),
    "aten.mean.dim": _over_rows("sum_rows", mean=True),
    "aten.amin.default": _over_rows("min_rows"),
    "aten.sum.default": _over_all(),
    "aten.mean.default": _over_all(mean=True),
    "aten.native_batch_norm.default": _batch_norm,
    "aten.native_batch_norm_backward.default": _batch_norm_backward,
    "aten.native_layer_norm.default": _layer_norm,
    "aten.native_layer_norm_backward.default": _layer_norm_backward,
    "aten._fused_adam_.default": _adam,
    "aten._fused_adam_.tensor_lr": _adam,
    "aten._foreach_lerp_.Scalar": _lerp,
    "aten._foreach_copy_.default": lambda call: copies(call.args[0], call.args[1]),
}
