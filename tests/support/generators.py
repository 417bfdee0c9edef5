"""The generators of the process: random, numpy, torch."""

import random
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


@contextmanager
def undisturbed_generators() -> Iterator[None]:
    """Assert that a block leaves the generators of the process as they were."""
    _seed()
    expected = _draws()
    _seed()
    yield
    assert _draws() == expected


def _seed() -> None:
    random.seed(1)
    np.random.seed(1)
    torch.manual_seed(1)


def _draws() -> list[float]:
    return [random.random(), np.random.random(), float(torch.rand(()))]
