"""Minibatches by one call of native kernels, for networks on the CPU."""

from collections.abc import Mapping
from copy import deepcopy

import numpy as np
import torch

from ddpg.fast.native import Kernels, Step, operands
from ddpg.learner.replay.batch import Batch


class Gather:
    """Uniform minibatches of n from a memory's arrays, whose rows are in one piece; each in the place of the last."""

    def __init__(
        self, obs: np.ndarray, numbers: np.ndarray, final_obs: Mapping[int, np.ndarray], discount: float,
        rng: np.random.Generator, kernels: Kernels, n: int,
    ) -> None:  # fmt: skip
        self._slots, self._final_obs = len(obs), final_obs
        source, number = torch.from_numpy(obs), torch.from_numpy(numbers)
        span, first, ended = (torch.zeros(size, dtype=torch.int64) for size in (2, n, n + 1))
        rows = [torch.empty((n, *source.shape[1:]), dtype=source.dtype) for _ in range(2)]
        action, rest = torch.empty(n, number.shape[1] - 3), torch.empty(2, n)
        self._batch = Batch(rows[0], action, rest[0], rows[1], rest[1], torch.full((n,), discount))
        self._span, self._first, self._ended, self._next_obs = (t.numpy() for t in (span, first, ended, rows[1]))
        draw = Step("draw", operands.Draw(rng.bit_generator.ctypes.bit_generator.value, span, first, n=n))
        sizes = {"n": n, "slots": self._slots, "bytes": obs[0].nbytes, "width": number.shape[1]}
        places = (rows[0], rows[1], action, rest, ended)
        gather = Step("gather", operands.Gather(source, number, first, *places, **sizes))
        self._sample = kernels.program([draw, gather])
        self._rng = rng  # kept: the program has only its address

    def __call__(self, oldest: int, count: int) -> Batch:
        """Of so many transitions from the oldest one on."""
        self._span[0], self._span[1] = oldest, count
        self._sample()
        if self._ended[0]:
            for row in self._ended[1 : self._ended[0] + 1]:
                self._next_obs[row] = self._final_obs[int(self._first[row]) % self._slots]
        return self._batch


def draws_alike(rng: np.random.Generator, kernels: Kernels) -> bool:
    """Whether native draws are those of this numpy, which may change its way from one release to the next."""
    mine, span, drawn = deepcopy(rng), torch.tensor([5, 3_000_000_000]), torch.zeros(100, dtype=torch.int64)
    expected = 5 + mine.integers(int(span[1]), size=100)
    after = mine.bit_generator.state
    mine = deepcopy(rng)
    kernels.program([Step("draw", operands.Draw(mine.bit_generator.ctypes.bit_generator.value, span, drawn, n=100))])()
    return np.array_equal(drawn.numpy(), expected) and mine.bit_generator.state == after
