"""Kernels in C for the update's matrix products and what lies between them, and programs of them."""

from ddpg.fast.native.library import Kernels, Step, kernels

__all__ = ["Kernels", "Step", "kernels"]
