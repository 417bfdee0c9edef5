"""Batch norm: by the minibatch in the network that is being trained, by running statistics elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm


def batch_norms(network: nn.Module) -> list[_BatchNorm]:
    """The layers of a network that normalize by the minibatch."""
    return [module for module in network.modules() if isinstance(module, _BatchNorm)]


@contextmanager
def batch_statistics(norms: list[_BatchNorm]) -> Iterator[None]:
    """Within it, these layers normalize by the minibatch and learn its statistics; free where there are none."""
    for norm in norms:
        norm.training = True
    try:
        yield
    finally:
        for norm in norms:
            norm.training = False
