"""Recorded calls played by kernels of our own."""

import logging
from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

from ddpg.fast.native import Kernels, Step
from ddpg.fast.tape.rules import Placed, steps
from ddpg.fast.tape.structure import cloned, tensors

log = logging.getLogger(__name__)

#: Results may differ by this part of the largest number in sight: sums of single precision in another order.
TOLERANCE = 1e-4

Play = Callable[[], Any]


class Unit:
    """A call, or a product and the ReLU after it, that can be played by torch or by steps of ours."""

    def __init__(self, call: Placed, by_torch: Play, changed: Sequence[Tensor], kernels: Kernels) -> None:
        self.by_torch, self._written, self._kernels = [by_torch], [*changed, *call.results], kernels
        self._given = [t for t in tensors((call.args, call.kwargs)) if t.is_floating_point() and t.dim() > 0]
        self._name, found = call.kernel, steps(call)
        self.steps = found if found is not None and all(kernels.has(step.kernel) for step in found) else None

    def takes_in(self, call: Placed, by_torch: Play) -> bool:
        """Whether it could make this call its own."""
        if not self.steps:
            return False
        *before, last = self.steps
        both = _both(last, call)
        if both is None:
            return False
        self.steps, self.by_torch = [*before, both], [*self.by_torch, by_torch]
        return True

    def compare(self) -> None:
        """Plays once, by both on the same inputs, and warns if they do not agree.

        Ours goes on all the same: a run that is resumed, and looks at other numbers, must not choose another way.
        """
        before, scale = cloned(self._written), max(map(_largest, self._given), default=0.0)
        for play in self.by_torch:
            play()
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


def quickened(units: Sequence[Unit], kernels: Kernels) -> list[Play]:
    """Plays once, and returns what plays it from now on: programs as long as can be."""
    for unit in units:
        unit.compare()
    plays: list[Play] = []
    for ours, group in groupby(units, key=lambda unit: unit.steps is not None):
        together = list(group)
        if ours:
            plays.append(kernels.program([step for unit in together for step in unit.steps or ()]))
        else:
            plays += [play for unit in together for play in unit.by_torch]
    return plays


def _both(step: Step, call: Placed) -> Step | None:
    """A step that also does this call, which works on its result and in its place; None: there is none."""
    follows = call.kernel in (torch.ops.aten.relu_.default, torch.ops.aten.threshold_backward.default)
    if not follows or not _same_place(step.at[0], call.args[0], call.results[0]):
        return None
    if len(call.args) == 1:
        return step.with_relu()
    _, y, threshold = call.args
    like_it = y.stride() == call.args[0].stride() and y.dtype == torch.float32
    return step.through_relu(y) if threshold == 0 and like_it and not _same_place(step.at[0], y) else None


def _same_place(one: Tensor | int | None, *others: Tensor) -> bool:
    def place(tensor: Tensor) -> tuple[Any, ...]:
        return tensor.data_ptr(), tensor.shape, tensor.stride()

    return isinstance(one, Tensor) and all(place(one) == place(other) for other in others)


def _write(tensors: Sequence[Tensor], contents: Sequence[Tensor]) -> None:
    for tensor, content in zip(tensors, contents, strict=True):
        tensor.copy_(content)


def _largest(tensor: Tensor) -> float:
    """Of the numbers that are finite."""
    return float(tensor.nan_to_num(0, 0, 0).abs().max()) if tensor.numel() else 0.0


def _close(ours: Tensor, torchs: Tensor, scale: float) -> bool:
    """But for rounding, which is a part of the largest number in sight: sums may cancel."""
    atol, finite = TOLERANCE * max(scale, _largest(torchs)), torchs.isfinite()
    return torch.allclose(ours[finite], torchs[finite], rtol=TOLERANCE, atol=atol)
