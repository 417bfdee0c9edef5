"""Recorded calls done by native kernels."""

import logging
from collections.abc import Callable, Sequence
from functools import cache
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

from ddpg.fast.native import Kernels, Step
from ddpg.fast.native.operands import Dots, Pointer, Product
from ddpg.fast.tape.internals import exists, function_name, name_of
from ddpg.fast.tape.lifetimes import PlacedCall
from ddpg.fast.tape.rules import RULES, steps_for
from ddpg.fast.tape.steps import through_relu, with_relu
from ddpg.fast.tape.structure import cloned, tensors

log = logging.getLogger(__name__)

#: Results may differ by this part of the largest number involved: sums of single precision in another order.
TOLERANCE = 1e-4

Action = Callable[[], Any]


class Unit:
    """A call, or a product and the ReLU after it, that torch can do and perhaps native steps."""

    def __init__(self, call: PlacedCall, by_torch: Action, kernels: Kernels) -> None:
        self.by_torch = [by_torch]
        self._written = [*call.changed, *call.results]
        self._kernels = kernels
        self._inputs = [t for t in tensors((call.args, call.kwargs)) if t.is_floating_point() and t.dim() > 0]
        self._name = name_of(call.operator)
        self.operator = function_name(call.operator)
        steps = steps_for(call)
        self.steps = steps if steps is not None and all(kernels.has(step.kernel) for step in steps) else None

    def try_fuse(self, call: PlacedCall, by_torch: Action) -> bool:
        """Make the next call a part of this unit, if one step can do both; tell whether it can."""
        if not self.steps:
            return False
        *before, last = self.steps
        fused = _fused(last, call)
        if fused is None:
            return False
        self.steps = [*before, fused]
        self.by_torch = [*self.by_torch, by_torch]
        return True

    def compare(self) -> None:
        """Do the unit once, by torch and by native steps on the same inputs, and warn if they do not agree.

        The native steps are used all the same: a run that is resumed, and compares on other numbers, must not choose
        another way.
        """
        before = cloned(self._written)
        scale = max(map(_largest, self._inputs), default=0.0)
        for action in self.by_torch:
            action()
        if self.steps is None:
            log.debug("by torch: %s", self._name)
            return
        by_torch = cloned(self._written)
        _write(self._written, before)
        self._kernels.program(self.steps)()
        if not all(_close(*results, scale) for results in zip(self._written, by_torch, strict=True)):
            log.warning(
                "%s: native kernels and torch's differ by more than rounding (compile=false: torch's)", self._name
            )


def compile_units(units: Sequence[Unit], kernels: Kernels) -> list[Action]:
    """Do all units once, and return what does them from now on: native programs as long as possible."""
    _report_missing_operators()
    for unit in units:
        unit.compare()
    actions: list[Action] = []
    for is_native, group in groupby(units, key=lambda unit: unit.steps is not None):
        together = list(group)
        if is_native:
            actions.append(kernels.program([step for unit in together for step in unit.steps or ()]))
        else:
            actions += [action for unit in together for action in unit.by_torch]
    return actions


def computed_by_torch(units: Sequence[Unit]) -> list[str]:
    """List the operators that have no native steps, as `convolution`."""
    return sorted({unit.operator for unit in units if unit.steps is None})


@cache
def _report_missing_operators() -> None:
    """Log, once, which operators the table of rules has and this torch does not: a release may have renamed them."""
    missing = [name for name in RULES if not exists(name)]
    if missing:
        log.warning(
            "torch %s has no %s: what it has instead is computed by torch's kernels, which is slower",
            torch.__version__,
            ", ".join(missing),
        )


def _fused(step: Step, call: PlacedCall) -> Step | None:
    """Make one step of a product and a ReLU, or its gradient, that works in place on the result, if possible."""
    if name_of(call.operator) not in ("aten.relu_.default", "aten.threshold_backward.default"):
        return None
    if not isinstance(step.operands, Product | Dots) or not _same_place(
        step.operands.out, *call.args[:1], *call.results
    ):
        return None
    if len(call.args) == 1:
        return with_relu(step)
    _, y, threshold = call.args
    like_it = y.stride() == call.args[0].stride() and y.dtype == torch.float32
    return through_relu(step, y) if threshold == 0 and like_it and not _same_place(step.operands.out, y) else None


def _same_place(one: Pointer, *others: Tensor) -> bool:
    return isinstance(one, Tensor) and all(_place(one) == _place(other) for other in others)


def _place(tensor: Tensor) -> tuple[Any, ...]:
    return tensor.data_ptr(), tensor.shape, tensor.stride()


def _write(tensors: Sequence[Tensor], contents: Sequence[Tensor]) -> None:
    for tensor, content in zip(tensors, contents, strict=True):
        tensor.copy_(content)


def _largest(tensor: Tensor) -> float:
    """Return the largest absolute value of the finite numbers; 0 if there are none."""
    return float(tensor.nan_to_num(0, 0, 0).abs().max()) if tensor.numel() else 0.0


def _close(native: Tensor, by_torch: Tensor, scale: float) -> bool:
    """Tell whether finite numbers are equal within TOLERANCE of the largest value involved (sums may cancel)."""
    atol = TOLERANCE * max(scale, _largest(by_torch))
    finite = by_torch.isfinite()
    return torch.allclose(native[finite], by_torch[finite], rtol=TOLERANCE, atol=atol)
