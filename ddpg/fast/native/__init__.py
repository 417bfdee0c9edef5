"""Kernels in C for the matrix products of an update and the operations between them, and programs of kernels."""

from ddpg.fast.native.build import kernels
from ddpg.fast.native.library import Kernels
from ddpg.fast.native.operands import Step

__all__ = ["Kernels", "Step", "kernels"]
