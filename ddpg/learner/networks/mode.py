"""The two modes of networks, which decide what dropout, batch norm and spectral norm do."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def train_mode(network: nn.Module) -> Iterator[None]:
    """Put a network into train mode within the block, and into eval mode after it."""
    network.train()
    try:
        yield
    finally:
        network.eval()


@contextmanager
def buffers_kept(network: nn.Module) -> Iterator[None]:
    """Restore the buffers of a network, such as running statistics, after the block."""
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    try:
        yield
    finally:
        for name, buffer in network.named_buffers():
            # through `data`: autograd refuses a graph that has met a buffer which changes later
            buffer.data.copy_(before[name])
