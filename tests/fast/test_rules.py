"""The table of rules: what it lacks, or has for nothing, costs speed and one line."""

import logging
from collections.abc import Callable, Iterator

import pytest
import torch
from support.learners import Compose, batches, learned, plain_and_recorded
from support.native_kernels import NATIVE, left_to_torch, log_operators, needs_kernels
from torch import Tensor, nn

from ddpg.fast.native import Kernels
from ddpg.fast.tape import Tape, internals, native, rules
from ddpg.learner.optimizers import adam

pytestmark = needs_kernels


@pytest.fixture(autouse=True)
def _said_once() -> Iterator[None]:
    """Let each test see its warning, which a process gives once, whatever tests came before it."""
    _clear()
    yield
    _clear()


def _clear() -> None:
    rules._report_faulty_rule.cache_clear()
    native._report_missing_operators.cache_clear()


def update() -> Callable[[Tensor], Tensor]:
    """A function that teaches a small network, which lives longer than a call, and returns its loss."""
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(3, 40), nn.ReLU(), nn.Linear(40, 1))
    optimizer = adam(network.parameters(), 0.01, (0.9, 0.999), 1e-8, False, 0.0, "all")

    def step(x: Tensor) -> Tensor:
        value = network(x)
        loss = (value * value).mean()
        for param, grad in zip(
            network.parameters(), torch.autograd.grad(loss, list(network.parameters())), strict=True
        ):
            param.grad = grad
        optimizer.step()
        return loss.detach()

    return step


def losses(kernels: Kernels | None) -> Tensor:
    """The losses of 20 updates; kernels have no rehearsal here, whose updates come before the first loss."""
    step = update()
    tape = Tape(step, kernels) if kernels else step
    generator = torch.Generator().manual_seed(1)
    return torch.stack([tape(torch.randn(32, 3, generator=generator)).clone() for _ in range(20)])


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_an_operator_under_another_name(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """Torch's kernel takes its place, with the same numbers but for rounding, and one line says so."""
    expected = losses(NATIVE)
    native._report_missing_operators.cache_clear()
    log_operators(caplog)
    for name in ("aten.addmm.default", "aten._fused_adam_.default"):
        monkeypatch.setitem(rules.RULES, f"{name}_of_another_torch", rules.RULES[name])
        monkeypatch.delitem(rules.RULES, name)
    for _ in range(2):
        torch.testing.assert_close(losses(NATIVE), expected, rtol=1e-4, atol=1e-6)
    assert set(left_to_torch(caplog)) == {"aten.addmm.default", "aten._fused_adam_.default"}
    (warning,) = warnings(caplog)
    assert "has no aten.addmm.default_of_another_torch, aten._fused_adam_.default_of_another_torch" in warning


def test_a_learner_without_the_rule_of_products(
    compose: Compose, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Its products are left to torch: the same losses but for rounding."""
    log_operators(caplog)
    monkeypatch.setitem(rules.RULES, "aten.mm_of_another_torch.default", rules.RULES["aten.mm.default"])
    monkeypatch.delitem(rules.RULES, "aten.mm.default")
    plain, recorded = plain_and_recorded(compose, "preset=td3", native=NATIVE)
    for batch in batches(plain, 3, weighted=False, pixels=False):
        torch.testing.assert_close(learned(recorded, batch), learned(plain, batch), rtol=1e-3, atol=1e-4)
    assert set(left_to_torch(caplog)) == {"aten.mm.default"}
    (warning,) = warnings(caplog)
    assert "has no aten.mm_of_another_torch.default" in warning


def test_this_torch_has_all_operators() -> None:
    assert [name for name in rules.RULES if not internals.exists(name)] == []


def test_a_faulty_rule_is_reported_once(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    expected = losses(NATIVE)
    monkeypatch.setitem(rules.RULES, "aten.addmm.default", lambda call: call.args[17])
    torch.testing.assert_close(losses(NATIVE), expected, rtol=1e-4, atol=1e-6)
    (warning,) = warnings(caplog)
    assert "aten.addmm.default" in warning
    assert "IndexError: tuple index out of range" in warning


def test_arguments_that_no_rule_is_for_are_no_fault(caplog: pytest.LogCaptureFixture) -> None:
    for function, *inputs in (
        (lambda x: x.amin(), torch.ones(3, 4)),
        (lambda x: torch.cat([x[0, :0], x]), torch.ones(3, 4)),
        (lambda x: x.sum(dim=1), torch.ones(3, 4)),
        (lambda x: x.mean(dim=(0, 1)), torch.ones(3, 4)),
        (lambda x: x.sum(dim=0, dtype=torch.float64), torch.ones(3, 4)),
        (lambda x: x.clamp(min=0), torch.ones(3, 4)),
        (lambda x: x.mean(), torch.ones(0)),
        (lambda x: x.mean(dim=0), torch.ones(0, 4)),
        (lambda x: x.amin(dim=1), torch.ones(2, 3, 4)),
        (lambda x: torch.stack([x, x], dim=2), torch.ones(3, 4)),
        (lambda x: torch.add(x, x, alpha=2), torch.ones(3, 4)),
        (lambda x: torch.nn.functional.layer_norm(x, (4,)), torch.ones(3, 4)),
        (lambda x: torch.nn.functional.layer_norm(x, (4,)), torch.ones(2, 3, 4)),
        (lambda x: torch.nn.functional.batch_norm(x, None, None, training=True), torch.ones(3, 4)),
        (lambda x: torch.nn.functional.batch_norm(x, None, None, training=True), torch.ones(3, 4, 5)),
        (lambda x, y: torch.mm(x, y), torch.ones(3, 0), torch.ones(0, 4)),
        (lambda x: torch.addmm(x, x, x, beta=2), torch.ones(3, 3)),
        (lambda x: x.to(torch.int64).to(torch.float32), torch.ones(3, 4)),
        (lambda x: x.bool() | x.bool(), torch.ones(3, 4)),
        (lambda x: x.half() * 2, torch.ones(3, 4)),
        (lambda x: x + 1j, torch.ones(3, 4)),
    ):
        tape = Tape(function, NATIVE)
        torch.testing.assert_close(tape(*inputs), function(*inputs), equal_nan=True)
        assert tape.is_replayed
    assert warnings(caplog) == []
