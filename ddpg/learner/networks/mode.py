"""The two modes of networks, on which it depends what dropout, batch norm and spectral norm do."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def train_mode(network: nn.Module) -> Iterator[None]:
    """Let a network be in train mode within the block, and in eval mode after it."""
    network.train()
    try:
        yield
    finally:
        network.eval()


@contextmanager
def buffers_kept(network: nn.Module) -> Iterator[None]:
    """Let the buffers of a network, as running statistics, be after the block what they were."""
    before = {name: buffer.clone() for name, buffer in network.named_buffers()}
    try:
        yield
    finally:
        for name, buffer in network.named_buffers():
            # of `data`, because autograd refuses a graph that has met a buffer which changes later
            buffer.data.copy_(before[name])
