"""scripts/accuracy.py: native kernels are as exact as torch's."""

import pytest
from support.native_kernels import NATIVE, needs_kernels

import accuracy


@needs_kernels
@pytest.mark.parametrize("kernels", ["torch", "native"])
def test_gradients_are_exact_but_for_some_roundings(kernels: str) -> None:
    """With layer norm, normalized observations and decay; single precision rounds by 6e-8."""
    error = accuracy.gradient_error("baselines_param_noise", NATIVE if kernels == "native" else None)
    assert 0 < error < 3e-6
