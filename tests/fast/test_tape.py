"""A recording gives what the function itself gives, bit for bit."""

import logging
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest
import torch
from hypothesis import given, settings
from support.tapes import PROGRAMS, as_function, assert_same_bits, leaves
from torch import Tensor, nn

from ddpg.fast.tape import Tape
from ddpg.fast.tape.tape import CALLS_BEFORE_REPLAY


class Pair(NamedTuple):
    first: Tensor
    second: Tensor | None


def replayed(function: Callable[..., Any], *inputs: Tensor | None) -> Tape:
    """Make a tape of the function that replays it from now on."""
    tape = Tape(function)
    for _ in range(CALLS_BEFORE_REPLAY):
        tape(*inputs)
    assert tape.is_replayed
    return tape


class TestFunctions:
    def test_results_follow_the_inputs(self) -> None:
        calls = []

        def function(x: Tensor, y: Tensor | None, z: Tensor) -> dict[str, Tensor]:
            calls.append(1)
            return {"sum": (x * 2 + 1).relu_().sum(dim=0), "product": x @ z}

        tape = replayed(function, torch.zeros(3, 2), None, torch.zeros(2, 4))
        count = len(calls)
        for seed in range(3):
            x, z = torch.randn(3, 2, generator=torch.Generator().manual_seed(seed)), torch.full((2, 4), float(seed))
            assert_same_bits(tape(x, None, z), function(x, None, z))
        assert len(calls) == count + 3  # the recording called nothing

    def test_results_lie_where_they_lay(self) -> None:
        tape = replayed(lambda x: x + 1, torch.zeros(3))
        first = tape(torch.ones(3))
        assert tape(torch.full((3,), 4.0)) is first
        assert first.tolist() == [5, 5, 5]

    def test_what_lives_longer_is_changed_in_place(self) -> None:
        state = torch.zeros(2)
        tape = replayed(lambda x: state.add_(x).clone(), torch.ones(2))
        before = state.clone()
        assert tape(torch.tensor([1.0, 2.0])).tolist() == (before + torch.tensor([1.0, 2.0])).tolist()
        state.zero_()
        assert tape(torch.tensor([1.0, 2.0])).tolist() == [1, 2]

    def test_draws_go_on(self) -> None:
        """A recording draws from the generator what the function would have drawn."""
        mine, other = torch.Generator().manual_seed(3), torch.Generator().manual_seed(3)
        tape = Tape(lambda x: x + torch.randn(4, generator=mine))
        for _ in range(CALLS_BEFORE_REPLAY + 3):
            assert_same_bits(tape(torch.ones(4)), torch.ones(4) + torch.randn(4, generator=other))
        assert tape.is_replayed

    def test_what_is_filled_anew_at_every_call_is_no_constant(self) -> None:
        def function(x: Tensor) -> Tensor:
            sums = torch.zeros(2)
            sums += x
            return sums * 3

        assert replayed(function, torch.ones(2))(torch.tensor([1.0, 5.0])).tolist() == [3, 15]

    def test_other_shapes_run_as_they_are(self) -> None:
        tape = replayed(lambda x: x.sum(), torch.ones(3))
        assert tape(torch.ones(3, 2)).item() == 6
        assert tape(torch.ones(3, dtype=torch.float64)).dtype == torch.float64
        assert tape(torch.ones(3)).item() == 3

    def test_structured_arguments(self) -> None:
        """The function gets what the caller gave: the same types, and the recording's own tensors in them."""
        seen: list[Any] = []

        def function(pair: Pair, named: dict[str, Any], rest: list[Any], nothing: None) -> Tensor:
            seen.append((type(pair), pair.second, list(named), type(rest), nothing))
            return pair.first + named["x"] * named["more"][0] - rest[0]

        def arguments(number: float) -> tuple[Any, ...]:
            x = torch.full((2,), number)
            return Pair(x, None), {"x": x + 1, "more": (x * 2, None)}, [x / 2], None

        tape = replayed(function, *arguments(1))
        assert seen == [(Pair, None, ["x", "more"], list, None)] * len(seen)
        for number in (2, 3):
            assert_same_bits(tape(*arguments(number)), function(*arguments(number)))
        assert len(seen) == CALLS_BEFORE_REPLAY + 2  # the recording called nothing
        assert len(tape.inputs) == 4

    @pytest.mark.parametrize(
        "other",
        [
            lambda x: ((x, (x, x)), x),
            lambda x: (((x, x), x, x), x),
            lambda x: (((x, None), x), x),
            lambda x: ([(x, x), x], x),
            lambda x: (((x, x), x[:1]), x),
            lambda x: (((x, x), x), x, x),
        ],
    )
    def test_arguments_of_another_structure_run_as_they_are(self, other: Callable[[Tensor], Sequence[Any]]) -> None:
        def function(*arguments: Any) -> Tensor:
            return torch.stack([leaf.sum() for leaf in leaves(arguments) if leaf is not None])

        x = torch.ones(2)
        tape = replayed(function, ((x, x), x), x)
        given_now = other(x * 3)
        assert_same_bits(tape(*given_now), function(*given_now))

    def test_other_arguments_than_tensors_are_refused(self, caplog: pytest.LogCaptureFixture) -> None:
        tape = Tape(lambda pair: pair[0] * pair[1])
        with caplog.at_level(logging.WARNING):
            assert [tape((torch.ones(2), k)).tolist() for k in range(8)] == [[k, k] for k in range(8)]
        assert not tape.is_replayed
        assert "it takes an int" in caplog.text

    def test_gradients(self) -> None:
        layer = nn.Linear(3, 3)
        weights = list(layer.parameters())

        def function(x: Tensor) -> list[Tensor]:
            return list(torch.autograd.grad(layer(torch.tanh(layer(x))).square().mean(), weights))

        tape = replayed(function, torch.ones(5, 3))
        x = torch.randn(5, 3, generator=torch.Generator().manual_seed(1))
        assert_same_bits(tape(x), function(x))

    def test_python_that_looks_at_a_number_is_not_recorded(self, caplog: pytest.LogCaptureFixture) -> None:
        tape = Tape(lambda x: x * 2 if x.sum() > 0 else x * 3)
        with caplog.at_level(logging.WARNING):
            results = [tape(torch.full((1,), value)).item() for value in (1.0, -1.0, 1.0, -1.0, 2.0, -1.0)]
        assert results == [2, -3, 2, -3, 4, -3]
        assert not tape.is_replayed
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "compile=false" in caplog.text

    def assert_refused(self, function: Callable[..., Any], reason: str, log: pytest.LogCaptureFixture) -> None:
        """It is said why, and the function is called as it is: the same results, once for each call."""
        results = {}
        for way in (function(), Tape(function())):
            with log.at_level(logging.WARNING):
                results[way] = [way(torch.full((2,), float(k))).clone() for k in range(8)]
        assert_same_bits(*results.values())
        assert not way.is_replayed
        assert [reason in record.getMessage() for record in log.records] == [True]

    def test_python_that_counts_is_found_out(self, caplog: pytest.LogCaptureFixture) -> None:
        class Counting:
            def __init__(self) -> None:
                self.calls, self.total = 0, torch.zeros(2)

            def __call__(self, x: Tensor) -> Tensor:
                self.calls += 1
                return self.total.add_(x * self.calls).clone()

        self.assert_refused(Counting, "with other numbers", caplog)

    def test_tensors_put_in_the_place_of_others_are_found_out(self, caplog: pytest.LogCaptureFixture) -> None:
        class Replacing:
            best = torch.zeros(2)

            def __call__(self, x: Tensor) -> Tensor:
                self.best = torch.maximum(self.best, x)
                return self.best.clone()

        self.assert_refused(Replacing, "on other tensors", caplog)

    def test_other_kernels_are_found_out(self, caplog: pytest.LogCaptureFixture) -> None:
        class Alternating:
            calls = 0

            def __call__(self, x: Tensor) -> Tensor:
                self.calls += 1
                return x * 2 if self.calls % 2 else x + 2

        self.assert_refused(Alternating, "it called aten.mul.Tensor, and then aten.add.Tensor", caplog)

    def test_changed_inputs_are_refused(self, caplog: pytest.LogCaptureFixture) -> None:
        self.assert_refused(lambda: lambda x: x.add_(1).sum(), "aten.add_.Tensor changes an input", caplog)

    def test_other_outputs_are_refused(self, caplog: pytest.LogCaptureFixture) -> None:
        tape = Tape(lambda x: {"sum": x.sum(), "rows": len(x)})
        with caplog.at_level(logging.WARNING):
            assert [tape(torch.ones(2))["rows"] for _ in range(8)] == [2] * 8
        assert not tape.is_replayed
        assert "it returns an int, and not tensors alone" in caplog.text

    def test_other_numbers_are_found_out(self, caplog: pytest.LogCaptureFixture) -> None:
        """numpy's work on the memory of a tensor is not recorded."""

        def function(x: Tensor) -> Tensor:
            y = x * 2
            y.numpy()[:] += 1
            return y + 0

        self.assert_refused(lambda: lambda x: function(x), "it gave other numbers", caplog)

    @pytest.mark.parametrize("loss", [nn.functional.mse_loss, nn.functional.huber_loss, nn.functional.smooth_l1_loss])
    def test_losses_that_reshape_what_they_fill(self, loss: Callable[..., Tensor]) -> None:
        weight = nn.Parameter(torch.ones(3))

        def function(x: Tensor) -> tuple[Tensor, ...]:
            value = loss(x * weight, x)
            return value.detach(), *torch.autograd.grad(value, [weight])

        x = torch.tensor([0.5, 2.0, -3.0])
        assert_same_bits(replayed(function, torch.ones(3))(x), function(x))

    def test_draws_of_a_generator_given_by_position(self) -> None:
        mine, other = torch.Generator().manual_seed(3), torch.Generator().manual_seed(3)
        tape = Tape(lambda x: torch.poisson(x, generator=mine))
        for _ in range(CALLS_BEFORE_REPLAY + 3):
            assert_same_bits(tape(torch.full((4,), 3.0)), torch.poisson(torch.full((4,), 3.0), generator=other))

    def test_nan_is_no_difference(self) -> None:
        assert replayed(lambda x: x.log(), -torch.ones(2))(torch.ones(2)).tolist() == [0, 0]


@given(PROGRAMS.map(as_function))
@settings(max_examples=100, deadline=None)
def test_any_program(function: Callable[[Tensor, Tensor], Tensor]) -> None:
    generator = torch.Generator().manual_seed(0)
    tape = replayed(function, torch.ones(4, 4), torch.ones(4, 4))
    for _ in range(2):
        x, y = torch.randn(4, 4, generator=generator), torch.randn(4, 4, generator=generator)
        assert_same_bits(tape(x, y), function(x, y))
