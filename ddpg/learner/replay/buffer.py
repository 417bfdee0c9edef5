"""Replay memory: first in first out, each observation stored once; here sampled uniformly."""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ddpg.fast.gather import Gather, draws_alike
from ddpg.fast.native import Kernels
from ddpg.learner.replay.batch import Batch
from ddpg.learner.replay.device import HostRows, rows
from ddpg.ranges import PositiveInt


class ReplayBuffer:
    """The R of Algorithm 1: the newest `buffer_size` transitions, sampled uniformly with replacement.

    A ring of buffer_size + 1 slots. A transition's next_obs is the obs of the slot after it, so it is not stored
    again; the one slot more holds the next_obs of the newest. Only where an episode ends, its last observation is
    kept apart in `final_obs`. Slots are counted for ever in `total`: transition t lies in slot t % slots.

    With `n_step` above 1 the rewards of so many steps are summed, fewer where the episode ends or at the newest
    transition. Observations are stored as they come, pixels as bytes, all else as float32.

    The arrays here, on the host, are the record; for networks on a GPU `device.py` keeps a copy of the observations.
    """

    def __init__(
        self, n_step: PositiveInt, gamma: float, buffer_size: int, obs_shape: Sequence[int], obs_dtype: np.dtype[Any],
        action_dim: int, rng: np.random.Generator, device: torch.device, dtype: torch.dtype,
    ) -> None:  # fmt: skip
        if n_step > buffer_size:
            raise ValueError(f"n_step={n_step} must be at most {buffer_size}, the transitions that the memory holds")
        self.n_step, self.gamma = n_step, gamma
        self._discounts = gamma ** np.arange(n_step + 1.0)
        self.buffer_size, self.slots = buffer_size, buffer_size + 1
        # zeros() takes address space only; memory fills as transitions come
        self.obs = np.zeros((self.slots, *obs_shape), obs_dtype)
        # side by side, so that a transition is a cache miss and not four
        self._numbers = np.zeros((self.slots, action_dim + 3), np.float32)
        self.action, (self.reward, self.terminated, self.ends) = self._numbers[:, :-3], self._numbers[:, -3:].T
        self.final_obs: dict[int, np.ndarray] = {}
        self.total = 0
        self._rng, self._dtype = rng, dtype
        self._number = torch.zeros(0, dtype=dtype).numpy().dtype  # numpy's name of it
        self._rows = rows(self.obs, device)
        self._gather_of: Callable[[int], Gather] | None = None

    def __len__(self) -> int:
        return min(self.total, self.buffer_size)

    @staticmethod
    def bytes_needed(transitions: int, obs_bytes: int, action_dim: int) -> int:
        """Memory of so many transitions, in bytes."""
        return transitions * (obs_bytes + 4 * (action_dim + 3))

    def add(
        self, obs: np.ndarray, action: np.ndarray, reward: float, next_obs: np.ndarray, terminated: bool, ends: bool
    ) -> None:
        """Stores one transition. `ends`: the next one will not start from next_obs (terminated, truncated, cut)."""
        slot = self.total % self.slots
        self.final_obs.pop(slot, None)
        self.obs[slot], self.action[slot], self.reward[slot] = obs, action, reward
        self.terminated[slot], self.ends[slot] = terminated, ends
        if ends:
            self.final_obs[slot] = np.array(next_obs, self.obs.dtype)
        else:
            self.obs[(slot + 1) % self.slots] = next_obs
        self.total += 1

    def sample(self, batch_size: int) -> Batch:
        """`batch_size` transitions, uniformly with replacement."""
        if self._gather_of is not None and len(self):
            return self._gather_of(batch_size)(self.total - len(self), len(self))
        return self._gather(self._uniform(batch_size, self._rng))

    def compile(self, native: Kernels) -> None:
        """From now on native kernels gather the minibatches: the same, sooner, and each in the place of the last.

        Where they can: numbers that are to be converted, several steps and what a subclass does are numpy's.
        """
        as_they_are = (
            isinstance(self._rows, HostRows)
            and self._dtype == torch.float32
            and self.obs.dtype in (np.float32, np.uint8)
        )
        alone = native.alone()
        if type(self) is ReplayBuffer and self.n_step == 1 and as_they_are and draws_alike(self._rng, alone):
            arrays, discount = (self.obs, self._numbers, self.final_obs), float(self._discounts[1])
            self._gather_of = cache(partial(Gather, *arrays, discount, self._rng, alone))

    def glance(self, batch_size: int, rng: np.random.Generator) -> Batch:
        """A uniform minibatch to look at, not to learn from: draws from `rng`, so that learning stays as it is."""
        return self._gather(self._uniform(batch_size, rng))

    def update_priorities(self, td_error: Tensor | None) -> None:
        """How wrong the critic was about the last sample, (N,); uniform sampling does not care."""

    def _uniform(self, batch_size: int, rng: np.random.Generator) -> np.ndarray:
        return self.total - len(self) + rng.integers(len(self), size=batch_size)

    def _gather(self, first: np.ndarray, weight: np.ndarray | None = None) -> Batch:
        """The transitions of these numbers, (N,), in 0 .. total - 1."""
        slot = first % self.slots
        numbers, end, discount = self._numbers.take(slot, 0).astype(self._number, copy=False), slot, self._discounts[1]
        action, (reward, terminated, ends) = numbers[:, :-3], numbers[:, -3:].T
        if self.n_step > 1:
            last, reward[:] = self._look_ahead(first, reward)
            end, discount = last % self.slots, self._discounts.take(last - first + 1)
            terminated[:], ends[:] = self.terminated[end], self.ends[end]
        final = {int(row): self.final_obs[int(end[row])] for row in ends.nonzero()[0]}
        obs, next_obs = map(self._float, self._rows.gather(slot, end + 1, final, self.total))
        ends[:] = discount  # which takes their place, for all goes in one piece
        if weight is not None:
            numbers = np.column_stack([numbers, weight.astype(self._number)])
        sent, width = self._rows.send(numbers), action.shape[1]
        reward_, terminated_, discount_, *weights = sent[:, width:].unbind(1)
        return Batch(obs, sent[:, :width], reward_, next_obs, terminated_, discount_, *weights)

    def _look_ahead(self, first: np.ndarray, reward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The last of up to n_step transitions from each, within its episode, and their discounted rewards."""
        last, reward = first.copy(), reward.astype(np.float64)
        for k in range(1, self.n_step):
            goes_on = (last == first + k - 1) & (self.ends[last % self.slots] == 0) & (last + 1 < self.total)
            last += goes_on
            reward += goes_on * self._discounts[k] * self.reward[last % self.slots]
        return last, reward

    def _float(self, rows: Tensor) -> Tensor:
        """Pixels stay bytes, all else becomes what the networks work with."""
        return rows if rows.dtype in (self._dtype, torch.uint8) else rows.to(self._dtype)

    def holds(self, start: int, stop: int) -> bool:
        """Whether the transitions [start, stop) are all still here."""
        return self.total - len(self) <= start and stop <= self.total

    def export(self, start: int, stop: int) -> dict[str, np.ndarray]:
        """Copies of the transitions [start, stop), which end with an episode's end, for `restore`."""
        slot = np.arange(start, stop) % self.slots
        ends = self.ends[slot].astype(bool)
        final = [self.final_obs[int(s)] for s in slot[ends]]
        return {
            "obs": self.obs[slot], "action": self.action[slot], "reward": self.reward[slot],
            "terminated": self.terminated[slot], "ends": ends,
            "final_obs": np.array(final, self.obs.dtype).reshape(len(final), *self.obs.shape[1:]),
        }  # fmt: skip

    def restore(self, start: int, arrays: dict[str, np.ndarray]) -> None:
        """Puts back what `export` gave, as the transitions from `start` on; the newest come last."""
        count = len(arrays["reward"])
        skip = max(0, count - self.buffer_size)  # a memory made smaller keeps the newest
        slot = np.arange(start + skip, start + count) % self.slots
        for name in ("obs", "action", "reward", "terminated", "ends"):
            getattr(self, name)[slot] = arrays[name][skip:]
        ending = slot[self.ends[slot] > 0]
        if len(ending):
            self.final_obs.update(zip(ending.tolist(), arrays["final_obs"][-len(ending) :], strict=True))
        self.total = start + count
        self._rows.forget()

    def state_dict(self) -> dict[str, Any]:
        """What is known of the transitions beside themselves, which `export` gives."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave, after all transitions are restored."""
