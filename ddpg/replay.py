"""Replay memory: uniform, first in first out, each observation stored once."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor


class Batch(NamedTuple):
    """A minibatch of N transitions, float32: observations (N, obs_dim), actions (N, action_dim), the others (N,)."""

    obs: Tensor
    action: Tensor
    reward: Tensor
    next_obs: Tensor
    terminated: Tensor


class ReplayBuffer:
    """The R of Algorithm 1: the newest `buffer_size` transitions, sampled uniformly with replacement.

    A ring of buffer_size + 1 slots. A transition's next_obs is the obs of the slot after it, so it is not stored
    again; the one slot more holds the next_obs of the newest. Only where an episode ends, its last observation is
    kept apart in `final_obs`. Slots are counted for ever in `total`: transition t lies in slot t % slots.
    """

    def __init__(
        self, buffer_size: int, obs_dim: int, action_dim: int, rng: np.random.Generator, device: torch.device
    ) -> None:
        self.buffer_size, self.slots = buffer_size, buffer_size + 1
        # zeros() takes address space only; memory fills as transitions come
        self.obs = np.zeros((self.slots, obs_dim), np.float32)
        self.action = np.zeros((self.slots, action_dim), np.float32)
        self.reward = np.zeros(self.slots, np.float32)
        self.terminated = np.zeros(self.slots, np.float32)
        self.ends = np.zeros(self.slots, bool)
        self.final_obs: dict[int, np.ndarray] = {}
        self.total = 0
        self._rng, self._device = rng, device

    def __len__(self) -> int:
        return min(self.total, self.buffer_size)

    @staticmethod
    def bytes_needed(transitions: int, obs_dim: int, action_dim: int) -> int:
        """Memory of so many transitions, in bytes."""
        return transitions * (4 * (obs_dim + action_dim + 2) + 1)

    def add(
        self, obs: np.ndarray, action: np.ndarray, reward: float, next_obs: np.ndarray, terminated: bool, ends: bool
    ) -> None:
        """Stores one transition. `ends`: the next one will not start from next_obs (terminated, truncated, cut)."""
        slot = self.total % self.slots
        self.final_obs.pop(slot, None)
        self.obs[slot], self.action[slot], self.reward[slot] = obs, action, reward
        self.terminated[slot], self.ends[slot] = terminated, ends
        if ends:
            self.final_obs[slot] = np.array(next_obs, np.float32)
        else:
            self.obs[(slot + 1) % self.slots] = next_obs
        self.total += 1

    def sample(self, batch_size: int) -> Batch:
        """`batch_size` transitions, uniformly with replacement."""
        oldest = self.total - len(self)
        slot = (oldest + self._rng.integers(len(self), size=batch_size)) % self.slots
        next_obs = self.obs[(slot + 1) % self.slots]
        for i in np.flatnonzero(self.ends[slot]):
            next_obs[i] = self.final_obs[int(slot[i])]
        arrays = (self.obs[slot], self.action[slot], self.reward[slot], next_obs, self.terminated[slot])
        return Batch(*(torch.from_numpy(array).to(self._device) for array in arrays))

    def holds(self, start: int, stop: int) -> bool:
        """Whether the transitions [start, stop) are all still here."""
        return self.total - len(self) <= start and stop <= self.total

    def export(self, start: int, stop: int) -> dict[str, np.ndarray]:
        """Copies of the transitions [start, stop), which end with an episode's end, for `restore`."""
        slot = np.arange(start, stop) % self.slots
        final = [self.final_obs[int(s)] for s in slot[self.ends[slot]]]
        return {
            "obs": self.obs[slot], "action": self.action[slot], "reward": self.reward[slot],
            "terminated": self.terminated[slot], "ends": self.ends[slot],
            "final_obs": np.array(final, np.float32).reshape(len(final), self.obs.shape[1]),
        }  # fmt: skip

    def restore(self, start: int, arrays: dict[str, np.ndarray]) -> None:
        """Puts back what `export` gave, as the transitions from `start` on; the newest come last."""
        count = len(arrays["reward"])
        skip = max(0, count - self.buffer_size)  # a memory made smaller keeps the newest
        slot = np.arange(start + skip, start + count) % self.slots
        for name in ("obs", "action", "reward", "terminated", "ends"):
            getattr(self, name)[slot] = arrays[name][skip:]
        ending = slot[self.ends[slot]]
        if len(ending):
            self.final_obs.update(zip(ending.tolist(), arrays["final_obs"][-len(ending) :], strict=True))
        self.total = start + count
