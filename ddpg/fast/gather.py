"""Minibatches by one call of native kernels, for networks on the CPU."""

from copy import deepcopy

import numpy as np
import torch

from ddpg.fast.native import Kernels, Step, operands
from ddpg.learner.batch import Batch
from ddpg.learner.replay import ReplayBuffer
from ddpg.learner.replay.buffer import COLUMNS


class NativeSample:
    """`ReplayBuffer.sample` with the same values, faster; each call overwrites the last minibatch."""

    def __init__(self, replay: ReplayBuffer, kernels: Kernels) -> None:
        self._replay = replay
        self._kernels = kernels
        self._by_numpy = replay.sample
        self._gathers: dict[int, Gather] = {}

    def __call__(self, batch_size: int) -> Batch:
        """Draw `batch_size` transitions uniformly, with replacement."""
        count = len(self._replay)
        if not count:
            return self._by_numpy(batch_size)
        if batch_size not in self._gathers:
            self._gathers[batch_size] = Gather(self._replay, self._kernels, batch_size)
        return self._gathers[batch_size](self._replay.total - count, count)


class Gather:
    """Draws and gathers minibatches of `n` transitions into memory that is kept."""

    def __init__(self, replay: ReplayBuffer, kernels: Kernels, n: int) -> None:
        self._slots = replay.slots
        self._final_obs = replay.final_obs
        self._rng = replay.rng  # kept, because the program has only its address
        obs = torch.from_numpy(replay.obs)
        numbers = torch.from_numpy(replay.numbers)
        width = numbers.shape[1]
        span = torch.zeros(2, dtype=torch.int64)
        first = torch.zeros(n, dtype=torch.int64)
        ended = torch.zeros(n + 1, dtype=torch.int64)
        columns = torch.empty(2, n, dtype=numbers.dtype)  # the kernel writes reward and terminated into one array
        self._batch = Batch(
            obs=torch.empty((n, *obs.shape[1:]), dtype=obs.dtype),
            action=torch.empty(n, width - len(COLUMNS), dtype=numbers.dtype),
            reward=columns[0],
            next_obs=torch.empty((n, *obs.shape[1:]), dtype=obs.dtype),
            terminated=columns[1],
            discount=torch.full((n,), replay.gamma, dtype=numbers.dtype),
        )
        self._span = span.numpy()
        self._first = first.numpy()
        self._ended = ended.numpy()
        self._next_obs = self._batch.next_obs.numpy()
        generator = replay.rng.bit_generator.ctypes.bit_generator.value
        gather = operands.Gather(
            obs=obs,
            numbers=numbers,
            first=first,
            to_obs=self._batch.obs,
            to_next_obs=self._batch.next_obs,
            to_action=self._batch.action,
            to_rest=columns,
            ended=ended,
            n=n,
            slots=self._slots,
            bytes=replay.obs[0].nbytes,
            width=width,
        )
        draw = operands.Draw(generator, span, first, n=n)
        self._sample = kernels.program([Step("draw", draw), Step("gather", gather)])

    def __call__(self, oldest: int, count: int) -> Batch:
        """Sample the `count` transitions from number `oldest` on."""
        self._span[0] = oldest
        self._span[1] = count
        self._sample()
        for row in self._ended[1 : self._ended[0] + 1]:
            self._next_obs[row] = self._final_obs[int(self._first[row]) % self._slots]
        return self._batch


def can_sample(replay: ReplayBuffer, kernels: Kernels) -> bool:
    """Whether native kernels sample this buffer as numpy does.

    Numbers that have to be converted, several steps and the draws of a subclass are left to numpy.
    """
    as_stored = replay.dtype == torch.float32 and replay.obs.dtype in (np.float32, np.uint8)
    plain = type(replay) is ReplayBuffer and replay.n_step == 1
    return plain and as_stored and draws_alike(replay.rng, kernels)


def draws_alike(rng: np.random.Generator, kernels: Kernels) -> bool:
    """Whether native draws are those of this numpy, whose way may change with a release."""
    by_numpy = deepcopy(rng)
    span = torch.tensor([5, 3_000_000_000])
    expected = 5 + by_numpy.integers(int(span[1]), size=100)
    native = deepcopy(rng)
    drawn = torch.zeros(100, dtype=torch.int64)
    generator = native.bit_generator.ctypes.bit_generator.value
    kernels.program([Step("draw", operands.Draw(generator, span, drawn, n=100))])()
    same_state = native.bit_generator.state == by_numpy.bit_generator.state
    return np.array_equal(drawn.numpy(), expected) and same_state
