"""Native kernels: torch's numbers but for rounding, whatever the layout."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from gymnasium import spaces
from hypothesis import given, settings
from support.native_kernels import NATIVE, grads, left_to_torch, log_operators, native, needs_kernels
from support.tapes import PROGRAMS, as_function, assert_same_bits, leaves, restored
from torch import Tensor

from ddpg.fast.tape import Tape, rules
from ddpg.learner.optimizers import Adam, adam

BOX = spaces.Box(-1, 1, (3,))


def test_kernels_are_here() -> None:
    """Or nearly all tests of this file are skipped."""
    here = Path("/proc/cpuinfo").exists() and "avx2" in Path("/proc/cpuinfo").read_text() and shutil.which("cc")
    assert NATIVE is not None or not here


def of_matrix(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(sum(shape)))


def batch_norm(training: bool) -> Callable[..., Tensor]:
    def function(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        mean, var = x.detach().mean(dim=0) * 0.5, torch.ones(x.shape[1])
        return F.batch_norm(x, mean, var, weight, bias, training=training)

    return function


def moved(weight: float) -> Callable[..., Tensor]:
    def function(target: Tensor, end: Tensor) -> Tensor:
        copy = target + 0
        torch._foreach_lerp_([copy], [end], weight)
        return copy

    return function


M, N = of_matrix(30, 70), of_matrix(30, 70) + 0.1
ROW = of_matrix(70)
OURS: dict[str, tuple[Callable[..., object], tuple[Tensor, ...]]] = {
    "arithmetic": (lambda a, b: (a + b) * (a - b) / (2 + b * b) - 1, (M, N)),
    "numbers": (lambda a: 1 - (a * 3 + 2) / 4, (M,)),
    "a row on all rows": (lambda a, row: row + row * a, (M, ROW)),
    "a column of another": (lambda a: torch.cat([a[:, 3:5] * 2, -a[:, 5:]], dim=1), (M,)),
    "nothing beside something": (lambda a: torch.cat([a[:0], a]), (M,)),
    "vectors": (lambda a, b: a * b + 1, (ROW, ROW.flip(0))),
    "of a stride": (lambda a: a[:, 3] * a[:, 4], (M,)),
    "single numbers": (lambda a: ((1 - 0.9 ** (2 * a.double())).sqrt() / 3).float() + a, (torch.tensor(0.7),)),
    "tanh": (grads(torch.tanh), (M,)),
    "tanh of large and small": (torch.tanh, (torch.tensor([0, -0.0, 1e-9, -1e-3, 0.62, 0.63, 9.5, -50, 1e9]),)),
    "relu": (grads(torch.relu), (M,)),
    "clamp": (lambda a: a.clamp(-0.5, 0.25), (M,)),
    "clamp by tensors": (lambda a, low: a.clamp(low, low + 0.5), (M, ROW)),
    "mean": (lambda a: a.mean(), (M,)),
    "sum": (lambda a: a.sum(), (M,)),
    "sum of rows": (lambda a: (a.sum(dim=0), a.sum(dim=0, keepdim=True)), (M,)),
    "mean of two": (lambda a, b: torch.stack([a, b]).abs().mean(dim=0), (ROW, ROW.flip(0))),
    "least of two": (lambda a, b: torch.stack([a, b]).amin(dim=0), (ROW, ROW.flip(0))),
    "a small part of the way": (moved(0.005), (M, M.flip(0))),
    "most of the way": (moved(0.9), (M, M.flip(0))),
    "batch norm, training": (grads(batch_norm(True)), (M, ROW, ROW.flip(0))),
    "batch norm": (batch_norm(False), (M, ROW, ROW.flip(0))),
    "layer norm": (grads(lambda x, w, b: F.layer_norm(x, (70,), w, b)), (M, ROW, ROW.flip(0))),
    "layer norm of the same": (lambda x, w, b: F.layer_norm(x, (70,), w, b), (M * 0 + 3, ROW, ROW.flip(0))),
}


@needs_kernels
@pytest.mark.parametrize("name", OURS)
def test_what_torch_computes(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """By one program, with nothing left to torch."""
    log_operators(caplog)
    function, inputs = OURS[name]
    found = leaves(native(function, *inputs)(*inputs))
    for ours, torchs in zip(found, leaves(function(*inputs)), strict=True):
        torch.testing.assert_close(ours, torchs, rtol=2e-5, atol=1e-5)
    assert left_to_torch(caplog) == []


THEIRS: dict[str, tuple[Callable[..., object], tuple[Tensor, ...]]] = {
    "a bias for all": (lambda x, bias: torch.addmm(bias[:1], x, x.t()), (M, ROW)),
    "least of all": (lambda x: x.amin(), (M,)),
    "an empty vector before a matrix": (lambda x: torch.cat([x[0, :0], x]), (M,)),
    "three dimensions": (lambda x: x.reshape(3, 10, 70).transpose(0, 2) * 2, (M,)),
    "double precision": (lambda x: x.double() @ x.double().t(), (M,)),
}


@needs_kernels
@pytest.mark.parametrize("name", THEIRS)
def test_what_is_left_to_torch(name: str, caplog: pytest.LogCaptureFixture) -> None:
    """Also on other numbers than those that it was recorded with."""
    log_operators(caplog)
    function, inputs = THEIRS[name]
    others = [given * 9 for given in inputs]
    torch.testing.assert_close(native(function, *inputs)(*others), function(*others))
    assert left_to_torch(caplog)


@needs_kernels
@pytest.mark.parametrize("function", [
    lambda x, bound: torch.clamp(x, bound - 2, bound + 1) * 2,
    lambda x, bound: torch.clamp(x, bound + 1, bound - 2) * 2,
    lambda x, bound: torch.clamp(x * 2, bound - 2, x) * 2,
])  # fmt: skip
def test_clamping_where_a_bound_was(function: Callable[..., Tensor]) -> None:
    """The result may take the place of either, for nobody needs them any more."""
    others = M * 9, N * 9
    torch.testing.assert_close(native(function, M, N)(*others), function(*others))


@needs_kernels
def test_at_the_edges_of_numbers() -> None:
    x, bound = torch.tensor([-2.0, -0.0, 0.0, 2.0]), torch.tensor([1.0, 1.0, -1.0, -1.0])

    def function(x: Tensor, bound: Tensor) -> list[Tensor]:
        return [x.clamp(1, -1), 1 / x.abs(), x.clamp(bound, -bound), moved(1.0)(x, bound / 3)]

    assert_same_bits(native(function, x, bound)(x, bound), function(x, bound))


@needs_kernels
def test_kernels_that_differ_are_named(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """And go on: a resumed run, which looks at other numbers, has to choose as the first start did."""
    monkeypatch.setitem(rules.RULES, "aten.neg.default", rules._elementwise("abs", 0))
    tape = native(lambda x: -x, M)
    assert "aten.neg.default: native kernels and torch's differ by more than rounding" in caplog.text
    assert_same_bits(tape(M), M.abs())


@needs_kernels
def test_nan_goes_through_like_in_torch() -> None:
    x = torch.tensor([torch.nan, 1, -1])

    def function(x: Tensor) -> list[Tensor]:
        y = torch.stack([x, x.flip(0)])
        return [x.relu(), x.tanh(), x.clamp(-0.5, 0.5), y.amin(dim=0), y.sum(dim=0), x.mean(), grads(torch.relu)(x)[1]]

    for ours, torchs in zip(native(function, x)(x), function(x), strict=True):
        torch.testing.assert_close(ours, torchs, equal_nan=True)


@needs_kernels
@given(PROGRAMS)
@settings(max_examples=50, deadline=None)
def test_any_program(program: list[tuple[Callable[[Tensor, Tensor], Tensor], int, int]]) -> None:
    """Ours and torch's kernels in any order, on memory that is used again."""

    def bounded(step: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor, Tensor], Tensor]:
        return lambda a, b: torch.tanh(step(a, b))

    function = as_function([(bounded(step), i, j) for step, i, j in program])
    generator = torch.Generator().manual_seed(0)
    tape = native(function, torch.ones(4, 4), torch.ones(4, 4))
    x, y = torch.randn(4, 4, generator=generator), torch.randn(4, 4, generator=generator)
    torch.testing.assert_close(tape(x, y), function(x, y), rtol=1e-3, atol=1e-4)


@needs_kernels
@pytest.mark.parametrize("eps_hat", [False, True])
@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_adam(eps_hat: bool, weight_decay: float, caplog: pytest.LogCaptureFixture) -> None:
    """Step for step what torch's kernel does, given the same gradients."""
    log_operators(caplog)

    def optimizer() -> Adam:
        params = [torch.nn.Parameter(of_matrix(5, 7)), torch.nn.Parameter(of_matrix(7))]
        return adam(params, 0.01, (0.8, 0.9), 1e-3, eps_hat, weight_decay, "weights")

    def step(optimizer: Adam) -> Callable[[Tensor], Tensor]:
        def function(grad: Tensor) -> Tensor:
            for param in optimizer.state:
                param.grad = grad[: param.numel()].view(param.shape) * 1
            optimizer.step()
            return grad + 0

        return function

    ours, torchs = optimizer(), optimizer()
    tape = Tape(
        step(ours), NATIVE, rollback=lambda: restored(*leaves(list(ours.state)), *leaves(list(ours.state.values())))
    )
    for seed in range(5):
        grad = torch.randn(35, generator=torch.Generator().manual_seed(seed))
        tape(grad)
        step(torchs)(grad)
        torch.testing.assert_close(list(ours.state.values()), list(torchs.state.values()))
        torch.testing.assert_close(list(ours.state), list(torchs.state))
    assert left_to_torch(caplog) == []


@needs_kernels
@pytest.mark.parametrize("dtype", [torch.float32, torch.uint8])
def test_inputs_that_are_filled_anew(dtype: torch.dtype) -> None:
    """Tensors that come again, other ones in between, and of a type that only torch copies."""
    x, rest = torch.ones(3, 4, dtype=dtype), torch.ones(4, 3)[:, 1]
    tape = native(lambda x, y: x * 2 + y, x, rest)
    for number in (2, 3, 4):
        x.fill_(number)
        rest.fill_(number + 1)
        assert tape(x, rest).tolist() == [[3 * number + 1] * 4] * 3
        if number == 3:
            assert tape(x * 0, rest).tolist() == [[4] * 4] * 3


@needs_kernels
def test_structures_that_are_filled_anew() -> None:
    """The same tuple has the same tensors as before, where the same list may have others."""
    x, y = torch.ones(3), torch.ones(3)
    pair, listed = (x, y), [x, y]
    tape = native(lambda pair, listed: pair[0] + pair[1] * 10 + listed[0] * 100 + listed[1] * 1000, pair, listed)
    for number in (2, 3, 4):
        x.fill_(number)
        y.fill_(number + 1)
        listed[0] = y.clone()
        assert tape(pair, listed).tolist() == [number + (number + 1) * 1110] * 3
