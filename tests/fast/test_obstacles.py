"""A function that cannot be replayed runs as it is, and one warning gives the true reason."""

import logging
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import Any, NoReturn

import pytest
import torch
from support.learners import Compose, batches, learned, plain_and_recorded
from support.native_kernels import NATIVE, needs_kernels
from support.tapes import assert_same_bits, restored
from torch import Tensor
from torch._ops import OpOverload
from torch.utils import _python_dispatch

from ddpg.fast.tape import Tape, cpu, tape
from ddpg.fast.tape.cuda import try_graph
from ddpg.fast.tape.tape import CALLS_BEFORE_REPLAY

NO_MEMORY_ON_CPU = "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: 12 bytes"
NO_MEMORY_ON_GPU = "CUDA out of memory. Tried to allocate 20.00 MiB."
CAPTURING = "CUDA error: operation not permitted when stream is capturing"
SECOND_LINE = "\na line that nobody needs"


def raising(error: Exception) -> Callable[..., NoReturn]:
    def function(*_: Any, **__: Any) -> NoReturn:
        raise error

    return function


class Counter:
    """A function that adds to a total, which lives longer than a call."""

    def __init__(self) -> None:
        self.total = torch.zeros(2)

    def __call__(self, x: Tensor) -> Tensor:
        return self.total.add_(x).clone()


def assert_runs_as_it_is(tape: Tape, caplog: pytest.LogCaptureFixture, *reasons: str) -> None:
    """The tape of a `Counter` counts each call once, and one warning has all the reasons, each a part of it."""
    with caplog.at_level(logging.WARNING):
        for count in range(1, CALLS_BEFORE_REPLAY + 3):
            assert tape(torch.ones(2)).tolist() == [count, count]
    assert not tape.is_replayed
    (warning,) = caplog.messages
    for reason in ("Counter is not compiled", *reasons):
        assert reason in warning
    assert SECOND_LINE.strip() not in warning


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError(NO_MEMORY_ON_CPU + SECOND_LINE), "for lack of memory: RuntimeError: [enforce fail"),
        (MemoryError("12 bytes"), "for lack of memory: MemoryError: 12 bytes"),
        (LookupError("no such thing" + SECOND_LINE), "failed: LookupError: no such thing"),
    ],
    ids=["torch's memory", "memory", "another"],
)
class TestFailures:
    """Wherever something fails, what the function changes is what it would have changed by itself."""

    def test_of_the_recording(
        self, error: Exception, reason: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tape, "Record", raising(error))
        assert_runs_as_it_is(Tape(Counter()), caplog, "recording it", reason)

    def test_of_the_copies_of_arguments(
        self, error: Exception, reason: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tape, "Argument", raising(error))
        assert_runs_as_it_is(Tape(Counter()), caplog, "copying its arguments", reason)

    @pytest.mark.parametrize("name", ["OuterState", "Replay", "prepared"])
    def test_of_the_replay(
        self,
        name: str,
        error: Exception,
        reason: str,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        monkeypatch.setattr(cpu, name, raising(error))
        assert_runs_as_it_is(Tape(Counter()), caplog, "replaying it", reason)

    def test_in_the_middle_of_the_replay(
        self, error: Exception, reason: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """When the total is changed already."""
        prepared = cpu.prepared

        def failing(call: Any) -> Callable[[], Any]:
            return raising(error) if "clone" in str(call.operator) else prepared(call)

        monkeypatch.setattr(cpu, "prepared", failing)
        assert_runs_as_it_is(Tape(Counter()), caplog, "replaying it", reason)

    @needs_kernels
    def test_of_the_native_program(
        self, error: Exception, reason: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """After the comparison; the calls before the first one are undone by the caller's `rollback`."""
        monkeypatch.setattr(cpu, "compile_units", raising(error))
        counter = Counter()
        assert_runs_as_it_is(Tape(counter, NATIVE, lambda: restored(counter.total)), caplog, "replaying it", reason)


@pytest.mark.parametrize("failing_call", range(1, CALLS_BEFORE_REPLAY + 1))
def test_errors_of_the_function_are_raised(failing_call: int) -> None:
    """Whenever they come: they are no reason, and the next call goes on."""
    calls = []

    def function(x: Tensor) -> Tensor:
        calls.append(x)
        if len(calls) == failing_call:
            raise KeyError("mine")
        return x * 2

    tape = Tape(function)
    for count in range(1, CALLS_BEFORE_REPLAY + 3):
        with pytest.raises(KeyError, match="mine") if count == failing_call else nullcontext():
            assert tape(torch.full((2,), float(count))).tolist() == [2 * count] * 2
    assert tape.is_replayed


class FakeGraph:
    """A CUDA graph on a machine without a GPU: `replay` calls the function that it captured."""

    def replay(self) -> None:
        self.replays = getattr(self, "replays", 0) + 1


class FakeCapture(AbstractContextManager[None]):
    """As torch.cuda.graph: where the captured function failed, the end of the capture fails too."""

    def __init__(self, graph: FakeGraph) -> None:
        self.graph = graph

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            raise RuntimeError("CUDA error: operation failed due to a previous error during capture")


@pytest.fixture
def without_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "CUDAGraph", FakeGraph)
    monkeypatch.setattr(torch.cuda, "graph", FakeCapture)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: "stream")
    monkeypatch.setattr(torch.cuda, "set_stream", lambda stream: None)


@pytest.mark.usefixtures("without_gpu")
class TestCudaGraphs:
    def test_captured_and_replayed(self) -> None:
        trial = try_graph(lambda x: x * 2, [torch.ones(2)])
        assert trial.outputs.tolist() == [2, 2]
        assert trial.reason is None
        assert trial.replay is not None
        trial.replay.replay()
        assert trial.replay._graph.replays == 2

    @pytest.mark.parametrize(
        ("error", "waits", "reason"),
        [
            (RuntimeError(CAPTURING + SECOND_LINE), True, CAPTURING),
            (
                torch.cuda.OutOfMemoryError(NO_MEMORY_ON_GPU + SECOND_LINE),
                False,
                f"lack of memory: {{}}: {NO_MEMORY_ON_GPU}",
            ),
            (LookupError("no such thing" + SECOND_LINE), False, "failed: LookupError: no such thing"),
        ],
        ids=["waits", "memory", "another"],
    )
    def test_failures(self, error: Exception, waits: bool, reason: str) -> None:
        calls = []

        def function(x: Tensor) -> Tensor:
            calls.append(x)
            if len(calls) == 1:
                raise error
            return x * 2

        trial = try_graph(function, [torch.ones(2)])
        assert trial.outputs.tolist() == [2, 2]
        assert trial.replay is None
        assert trial.reason is not None
        assert reason.format(type(error).__name__) in trial.reason
        assert ("waits for the GPU" in trial.reason) == waits
        assert SECOND_LINE.strip() not in trial.reason

    def test_a_tape_says_it(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        monkeypatch.setattr(
            tape, "try_replay", lambda record, function, arguments, native: try_graph(function, arguments)
        )
        monkeypatch.setattr(FakeCapture, "__enter__", raising(RuntimeError(CAPTURING)))
        assert_runs_as_it_is(Tape(Counter()), caplog, "waits for the GPU", CAPTURING)


def absent(_: object) -> NoReturn:
    raise AttributeError("this torch has no such attribute")


class TestAnotherTorch:
    """What torch does not document may be gone in its next release: the function runs as it is."""

    @pytest.mark.parametrize("name", ["_schema", "overloadpacket", "_overloadname", "tags", "namespace"])
    def test_without_an_attribute_of_operators(
        self, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(OpOverload, name, property(absent), raising=False)
        assert_runs_as_it_is(Tape(Counter()), caplog, "AttributeError: this torch has no such attribute")

    def test_without_the_numbers_of_storages(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(torch.UntypedStorage, "_cdata", property(absent))
        assert_runs_as_it_is(Tape(Counter()), caplog, "AttributeError: this torch has no such attribute")

    def test_without_a_way_to_record(self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
        monkeypatch.delattr(_python_dispatch, "TorchDispatchMode")
        assert_runs_as_it_is(Tape(Counter()), caplog, "recording it", "ImportError", "TorchDispatchMode")

    def test_a_learner(
        self, compose: Compose, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        """It learns bit for bit what it learns without a recording, and each kind of update is reported once."""
        monkeypatch.delattr(_python_dispatch, "TorchDispatchMode")
        plain, recorded = plain_and_recorded(compose, "preset=td3_full", native=NATIVE)
        for batch in batches(plain, 8, weighted=False, pixels=False):
            assert_same_bits(learned(recorded, batch), learned(plain, batch))
        assert_same_bits(recorded.state_dict(), plain.state_dict())
        assert ["not compiled" in message for message in caplog.messages] == [True, True]

    def test_the_import_needs_none_of_it(self) -> None:
        program = """
import torch
import torch.utils._python_dispatch
del torch.utils._python_dispatch.TorchDispatchMode, torch._ops.OpOverload, torch.ops
del torch._C._VariableFunctions, torch._C._nn
import ddpg.fast.accelerate
"""
        subprocess.run([sys.executable, "-c", program], check=True)
