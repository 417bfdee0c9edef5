"""Replays on the CPU: by the recorded calls of torch's operators, or by native kernels."""

from collections.abc import Callable, Sequence
from typing import Any

from ddpg.fast.native import Kernels
from ddpg.fast.tape.internals import storage_id
from ddpg.fast.tape.lifetimes import PlacedCall, Placement
from ddpg.fast.tape.native import Action, Unit, compile_units, computed_by_torch
from ddpg.fast.tape.obstacles import failure
from ddpg.fast.tape.outer_state import OuterState, same_bits
from ddpg.fast.tape.prepared import prepared
from ddpg.fast.tape.recorder import Call, Record
from ddpg.fast.tape.structure import cloned, tensors
from ddpg.fast.tape.trial import ALL, Trial


class Replay:
    """The calls of a record, to be done again; `outputs` are the record's, which every `replay` overwrites.

    `by_torch` lists the operators that torch's kernels compute, after `compile`.
    """

    def __init__(self, record: Record, kernels: Kernels | None) -> None:
        self.outputs = record.outputs
        self._kernels = kernels
        calls = [call for call in record.calls if not call.is_view]
        constant = _constant(calls)
        repeated = [call for call in calls if call not in constant]
        constants = [tensor for call in constant for tensor in call.results]
        placement = Placement(repeated, [*tensors((self.outputs,)), *constants])
        placed = [placement.placed(call) for call in repeated]
        self._actions: list[Action] = [prepared(call) for call in placed]
        self._units = _units(placed, self._actions, kernels) if kernels else []
        self.by_torch = computed_by_torch(self._units) if kernels else ALL

    def compile(self) -> None:
        """Replay once more; from then on by native kernels, if there are any."""
        if self._kernels:
            self._actions = compile_units(self._units, self._kernels)
            self._units = []

    def replay(self) -> None:
        """Do the calls again, on what inputs and parameters hold now."""
        for action in self._actions:
            action()


def try_replay(
    record: Record, function: Callable[..., Any], arguments: Sequence[Any], kernels: Kernels | None
) -> Trial:
    """Call `function(*arguments)`, and make a replay that computes the same from the same state, bit for bit.

    With kernels, the replay uses them from now on. What fails is a reason; only the function's own errors are raised.
    """
    try:
        rehearsal = _Rehearsal(record, kernels)
    except Exception as error:
        return Trial(function(*arguments), None, failure("replaying it", error))
    outputs = function(*arguments)
    try:
        agrees = rehearsal.agrees(outputs)
    except Exception as error:
        return Trial(outputs, None, failure("replaying it", error))
    if not agrees:
        return Trial(outputs, None, "replayed, it gave other numbers")
    return Trial(outputs, rehearsal.replay, None, rehearsal.replay.by_torch)


class _Rehearsal:
    """A new replay, done once and undone; then compared with what the function itself does."""

    def __init__(self, record: Record, kernels: Kernels | None) -> None:
        self._state = OuterState(record)
        self._before = self._state.content()
        try:
            self.replay = Replay(record, kernels)
            self.replay.replay()
            self._replayed = [*cloned(tensors((self.replay.outputs,))), *self._state.content().tensors]
        finally:
            self._state.restore(self._before)

    def agrees(self, outputs: Any) -> bool:
        """Tell whether the function, called in the meantime, has returned and changed the same; compile if so."""
        after = self._state.content()
        if not same_bits(self._replayed, [*cloned(tensors((outputs,))), *after.tensors]):
            return False
        self._state.restore(self._before)
        try:
            self.replay.compile()
        finally:
            self._state.restore(after)
        return True


def _constant(calls: Sequence[Call]) -> list[Call]:
    """Find the calls whose results are the same every time, because they depend on no tensor that could change."""
    changed = {storage_id(tensor) for call in calls for tensor in call.changed}
    constants: set[int] = set()
    constant = []
    for call in calls:
        if call.is_constant(constants) and changed.isdisjoint(map(storage_id, call.results)):
            constants.update(map(storage_id, call.results))
            constant.append(call)
    return constant


def _units(calls: Sequence[PlacedCall], actions: Sequence[Action], kernels: Kernels) -> list[Unit]:
    units: list[Unit] = []
    for call, action in zip(calls, actions, strict=True):
        if not (units and units[-1].try_fuse(call, action)):
            units.append(Unit(call, action, kernels))
    return units
