"""The native kernels of this machine, if it has any, and functions that are replayed by them."""

import logging
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from ddpg.fast.native import kernels
from ddpg.fast.tape import Tape

NATIVE = kernels()
needs_kernels = pytest.mark.skipif(NATIVE is None, reason="no C compiler, or a processor without AVX2")


def native(function: Callable[..., object], *inputs: Tensor) -> Tape:
    """Make a tape of the function that replays native kernels."""
    tape = Tape(function, NATIVE)
    tape(*inputs)
    assert tape.is_replayed
    return tape


def grads(function: Callable[..., Tensor]) -> Callable[..., list[Tensor]]:
    """Make a function that gives the result, and the gradients of its weighted sum for all inputs."""

    def with_grads(*inputs: Tensor) -> list[Tensor]:
        wanted = [given.detach().requires_grad_() for given in inputs]
        out = function(*wanted)
        weights = torch.linspace(-1, 1, out.numel()).reshape(out.shape)
        return [out.detach(), *torch.autograd.grad((out * weights).sum(), wanted)]

    return with_grads


def left_to_torch(caplog: pytest.LogCaptureFixture) -> list[str]:
    """List the operators that no native kernel did in what was recorded; `log_operators` comes before the recording."""
    return [message.removeprefix("by torch: ") for message in caplog.messages if message.startswith("by torch: ")]


def log_operators(caplog: pytest.LogCaptureFixture) -> None:
    """Let recordings log which operators are left to torch."""
    caplog.set_level(logging.DEBUG, logger="ddpg.fast.tape.native")
