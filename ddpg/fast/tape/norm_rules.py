"""Batch norm and layer norm of torch, and their gradients, as steps of native kernels."""

from ddpg.fast.native import Step
from ddpg.fast.native.operands import BatchNorm, BatchNormBackward, LayerNorm, LayerNormBackward, LayerNormParams
from ddpg.fast.tape.lifetimes import PlacedCall
from ddpg.fast.tape.steps import Steps, are_contiguous, has_contiguous_rows


def batch_norm(call: PlacedCall) -> Steps:
    """Normalize the columns of a matrix, with weight, bias and running statistics."""
    x, weight, bias, running_mean, running_var, training, momentum, eps = call.args
    out, *saved = call.results
    means, scales = saved if training else (None, None)
    state = (weight, bias, running_mean, running_var)
    if not (has_contiguous_rows(x) and has_contiguous_rows(out)):
        return None
    if not all(tensor is not None and are_contiguous(tensor) for tensor in state):
        return None
    structure = BatchNorm(
        out=out,
        x=x,
        weight=weight,
        bias=bias,
        running_mean=running_mean,
        running_var=running_var,
        means=means,
        scales=scales,
        m=x.shape[0],
        n=x.shape[1],
        om=out.stride(0),
        xm=x.stride(0),
        momentum=momentum,
        eps=eps,
    )
    return [Step("batch_norm", structure)]


def batch_norm_backward(call: PlacedCall) -> Steps:
    """Compute the gradients of weight and bias, and that of x where it is wanted, in training."""
    grad, x, weight, _, _, means, scales, training, _, wanted = call.args
    if not training or weight is None or list(wanted[1:]) != [True, True]:
        return None
    if not are_contiguous(grad, x, weight, means, scales):
        return None
    grad_x, grad_weight, grad_bias = call.results if wanted[0] else (None, *call.results)
    structure = BatchNormBackward(
        grad_x=grad_x,
        grad_weight=grad_weight,
        grad_bias=grad_bias,
        grad=grad,
        x=x,
        weight=weight,
        means=means,
        scales=scales,
        m=x.shape[0],
        n=x.shape[1],
    )
    return [Step("batch_norm_backward", structure)]


def layer_norm(call: PlacedCall) -> Steps:
    """Normalize the rows of a matrix, with weight and bias."""
    x, shape, weight, bias, eps = call.args
    if x.dim() != 2 or len(shape) != 1 or weight is None or bias is None:
        return None
    if not are_contiguous(x, weight, bias, *call.results):
        return None
    out, means, scales = call.results
    m, n = x.shape
    structure = LayerNorm(out=out, means=means, scales=scales, x=x, weight=weight, bias=bias, m=m, n=n, eps=eps)
    return [Step("layer_norm", structure)]


def layer_norm_backward(call: PlacedCall) -> Steps:
    """Compute the gradients of x, and of weight and bias, that are wanted."""
    grad, x, shape, means, scales, weight, _, wanted = call.args
    wants_x, wants_weight, wants_bias = wanted
    if x.dim() != 2 or len(shape) != 1 or weight is None or wants_weight != wants_bias:
        return None
    if not are_contiguous(grad, x, means, scales, weight, *call.results):
        return None
    m, n = x.shape
    steps = []
    if wants_x:
        of_x = LayerNormBackward(call.results[0], grad, x, means, scales, weight, m=m, n=n)
        steps.append(Step("layer_norm_backward", of_x))
    if wants_weight:
        grad_weight, grad_bias = call.results[-2:]
        of_params = LayerNormParams(grad_weight, grad_bias, grad, x, means, scales, m=m, n=n)
        steps.append(Step("layer_norm_params", of_params))
    return steps
