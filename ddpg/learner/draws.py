"""Random numbers for updates, drawn on the host, so that they are the same on every device."""

import torch
from torch import Tensor


def normal_like(tensor: Tensor, generator: torch.Generator) -> Tensor:
    """Draw N(0, 1) from a generator of the host; shape, precision and device are the tensor's."""
    on_gpu = tensor.device.type == "cuda"
    # pinned memory, because it is copied to the GPU while Python goes on
    draws = torch.randn(tensor.shape, generator=generator, dtype=tensor.dtype, pin_memory=on_gpu)
    return draws.to(tensor.device, non_blocking=True)


def same_draws(generator: torch.Generator) -> torch.Generator:
    """Copy a generator of the host; the copy will draw what the original would have drawn."""
    copy = torch.Generator()
    copy.set_state(generator.get_state())
    return copy
