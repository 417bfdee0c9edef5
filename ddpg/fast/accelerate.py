"""Makes a learner faster from the outside: the numbers that it computes are the same."""

import logging
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ddpg.constructors import is_ours
from ddpg.fast.act import RecordedAct
from ddpg.fast.gather import NativeSample, can_sample
from ddpg.fast.native import Kernels, kernels
from ddpg.fast.tape import Tape
from ddpg.fast.tape.structure import leaves
from ddpg.learner.optimizers import Adam
from ddpg.learner.protocol import Agent, Recordable, Step
from ddpg.learner.replay import ReplayBuffer

log = logging.getLogger(__name__)

#: Receives the names of operators that torch's kernels compute in updates beside native ones.
Report = Callable[[Sequence[str]], None]


def accelerate(
    agent: Agent,
    replay: ReplayBuffer,
    device: torch.device,
    report_by_torch: Report = lambda _: None,
) -> str:
    """Replace the agent's `step` and `act` and the buffer's `sample` by faster ones.

    An `act` that a class from elsewhere defines stays as it is.

    Updates and acting are recorded once and replayed. By torch's kernels the numbers are the same,
    bit for bit; by native ones, which are for the CPU and need the least time, all but rounding.
    `td_error`, and on a GPU the losses, are then overwritten by the next update, and a minibatch by
    the next one.

    Returns the name of the kernels that compute updates. If they are native, `report_by_torch` is
    called as soon as a kind of update is recorded, with the operators that have no native kernel.
    """
    native = kernels() if device.type == "cpu" else None
    threads = torch.get_num_threads()
    if native is not None and threads > 1 and not native.has_threads:
        log.warning(
            "native kernels use one thread and not %d, because the C compiler has no OpenMP; "
            "with its library (gcc: libgomp, clang: libomp) the next start builds them with threads",
            threads,
        )
    if native is not None and can_sample(replay, native.alone()):
        replay.sample = NativeSample(replay, native.alone())  # type: ignore[method-assign]
    if not hasattr(agent, "step"):
        log.warning(
            "%s has no method step (ddpg.learner.protocol.Recordable), so its updates are not compiled",
            type(agent).__name__,
        )
        return "torch"
    native = native if restores_in_place(agent) else None
    record(agent, native, report_by_torch)  # type: ignore[arg-type]
    return native.name if native else "torch"


def restores_in_place(agent: Agent) -> bool:
    """Whether loading a state leaves the optimizers' tensors where native kernels know them."""
    optimizers = [part for part in leaves(vars(agent)) if hasattr(part, "param_groups")]
    return all(isinstance(optimizer, Adam) for optimizer in optimizers)


def record(agent: Recordable, native: Kernels | None, report_by_torch: Report = lambda _: None) -> None:
    """Replace the agent's methods; after `load_state_dict` recordings are made anew."""
    load = agent.load_state_dict
    undone = partial(rollback, agent, load)
    step = RecordedStep(agent.step, native, undone, report_by_torch)

    def load_and_record_anew(state: dict[str, Any]) -> None:
        load(state)
        step.forget()  # optimizers of torch keep their state elsewhere now than a recording knows

    agent.step = step
    if is_ours(type(agent).act.__module__):  # which is known to ask the actor alone
        agent.act = RecordedAct(agent.networks["actor"], native, undone)  # type: ignore[method-assign]
    agent.load_state_dict = load_and_record_anew  # type: ignore[method-assign]


@contextmanager
def rollback(agent: Agent, load: Callable[[dict[str, Any]], None]) -> Iterator[None]:
    """Undo at the block's end what was learned or drawn within it."""
    before = deepcopy(agent.state_dict())
    try:
        with torch.random.fork_rng(devices=[]):
            yield
    finally:
        load(before)


class RecordedStep:
    """`agent.step`, replayed from one recording for each answer to what falls due."""

    def __init__(
        self,
        step: Callable[..., Step],
        native: Kernels | None,
        rollback: Callable[[], Any],
        report_by_torch: Report,
    ) -> None:
        self._step = step
        self._native = native
        self._rollback = rollback
        self._report_by_torch = report_by_torch
        self._tapes: dict[Hashable, Tape] = {}

    def __call__(self, due: Hashable, *inputs: Any) -> Step:
        """Compute what the agent's step would, and read its metrics in one go."""
        is_first = due not in self._tapes
        if is_first:
            function = partial(self._with_numbers, due)
            self._tapes[due] = Tape(function, native=self._native, rollback=self._rollback)
        step, numbers = self._tapes[due](*inputs)
        if is_first and self._native is not None:  # which are recorded at the first call
            self._report_by_torch(self._tapes[due].by_torch)
        if numbers is None or numbers.is_cuda:
            return step
        return Step(dict(zip(step.metrics, numbers.tolist(), strict=True)), step.td_error)

    def forget(self) -> None:
        """Record anew from now on."""
        self._tapes = {}

    def _with_numbers(self, due: Hashable, *inputs: Any) -> tuple[Step, Tensor | None]:
        """Make the step, and put its metrics side by side, so that they are read at once."""
        step = self._step(due, *inputs)
        return step, _side_by_side(step)


def _side_by_side(step: Step) -> Tensor | None:
    """Return the metrics as one vector; None if they are not tensors of one number each, or if there are none."""
    metrics = step.metrics.values() if isinstance(step, Step) and isinstance(step.metrics, Mapping) else ()
    numbers = [metric.reshape(()) for metric in metrics if isinstance(metric, Tensor) and metric.numel() == 1]
    return torch.stack(numbers) if numbers and len(numbers) == len(metrics) else None
