"""The replay buffer: first in, first out, each observation stored once, sampled uniformly."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ddpg.learner.batch import Batch
from ddpg.learner.replay.device import rows
from ddpg.ranges import PositiveInt

#: The columns of `numbers` after the action's.
COLUMNS = ("reward", "terminated", "ends")


class ReplayBuffer:
    """R of Algorithm 1: the newest `buffer_size` transitions, sampled uniformly with replacement.

    It is a ring of buffer_size + 1 slots. A transition's next_obs is the obs of the slot after it,
    so it is not stored again; the additional slot holds the next_obs of the newest. Only where an
    episode ends, its last observation is kept apart in `final_obs`. `total` counts all transitions
    so far, and transition t lies in slot t % slots.

    With `n_step` above 1 the rewards of that many steps are summed, fewer where the episode ends or
    at the newest transition. Observations are stored as they come, pixels as bytes, all else as
    float32. These arrays are on the host; for networks on a GPU `device.py` keeps a copy of the
    observations there.

    Raises ValueError if `n_step` is more than the buffer holds.
    """

    def __init__(
        self,
        n_step: PositiveInt,
        gamma: float,
        buffer_size: int,
        obs_shape: Sequence[int],
        obs_dtype: np.dtype[Any],
        action_dim: int,
        rng: np.random.Generator,
        device: torch.device,
        dtype: torch.dtype,
    ) -> None:
        if n_step > buffer_size:
            raise ValueError(
                f"n_step={n_step} must be at most {buffer_size}, "
                "the transitions that the replay buffer holds"
            )
        self.n_step = n_step
        self.gamma = gamma
        self.buffer_size = buffer_size
        self.slots = buffer_size + 1
        self.rng = rng
        self.dtype = dtype
        # zeros() reserves addresses alone; memory is taken as transitions come
        self.obs = np.zeros((self.slots, *obs_shape), obs_dtype)
        # in one array, so that reading a transition is one cache miss and not four
        self.numbers = np.zeros((self.slots, action_dim + len(COLUMNS)), np.float32)
        self.action = self.numbers[:, :action_dim]
        self.reward, self.terminated, self.ends = self.numbers[:, action_dim:].T
        self.final_obs: dict[int, np.ndarray] = {}
        self.total = 0
        self._discounts = gamma ** np.arange(n_step + 1.0)
        self._np_dtype = torch.zeros(0, dtype=dtype).numpy().dtype  # numpy's name of dtype
        self._rows = rows(self.obs, device)

    def __len__(self) -> int:
        return min(self.total, self.buffer_size)

    @staticmethod
    def bytes_needed(transitions: int, obs_bytes: int, action_dim: int) -> int:
        """Return the bytes that transitions take, where one observation takes `obs_bytes`."""
        return transitions * (obs_bytes + 4 * (action_dim + len(COLUMNS)))

    def add(
        self,
        obs: np.ndarray,
        action: np.ndarray,
        reward: float,
        next_obs: np.ndarray,
        terminated: bool,
        ends: bool,
    ) -> None:
        """Store one transition (line 10 of Algorithm 1).

        `ends` says that the next transition will not start from next_obs, because this one was
        terminated or truncated, or because training stops here.
        """
        slot = self.total % self.slots
        self.final_obs.pop(slot, None)
        self.obs[slot] = obs
        self.action[slot] = action
        self.reward[slot] = reward
        self.terminated[slot] = terminated
        self.ends[slot] = ends
        if ends:
            self.final_obs[slot] = np.array(next_obs, self.obs.dtype)
        else:
            self.obs[(slot + 1) % self.slots] = next_obs
        self.total += 1

    def sample(self, batch_size: int) -> Batch:
        """Draw `batch_size` transitions uniformly, with replacement (line 11 of Algorithm 1)."""
        return self._gather(self._uniform(batch_size, self.rng))

    def peek(self, batch_size: int, rng: np.random.Generator) -> Batch:
        """Draw a uniform minibatch with another generator, so that learning does not change."""
        return self._gather(self._uniform(batch_size, rng))

    def update_priorities(self, td_error: Tensor | None) -> None:
        """Receive the errors of the last sample, (N,), which uniform sampling does not use."""

    def _uniform(self, batch_size: int, rng: np.random.Generator) -> np.ndarray:
        return self.total - len(self) + rng.integers(len(self), size=batch_size)

    def _gather(self, first: np.ndarray, weight: np.ndarray | None = None) -> Batch:
        """Make the minibatch of the transitions with the numbers `first`, (N,), < total.

        `weight`, (N,), becomes that of the minibatch.
        """
        slot = first % self.slots
        numbers = self.numbers.take(slot, 0).astype(self._np_dtype, copy=False)
        action_dim = self.action.shape[1]
        reward, terminated, ends = numbers[:, action_dim:].T
        if self.n_step == 1:
            last_slot = slot
            discount = self._discounts[1]
        else:
            last, reward[:] = self._look_ahead(first, reward)
            last_slot = last % self.slots
            discount = self._discounts.take(last - first + 1)
            terminated[:] = self.terminated[last_slot]
            ends[:] = self.ends[last_slot]
        final = {int(row): self.final_obs[int(last_slot[row])] for row in ends.nonzero()[0]}
        obs, next_obs = self._rows.gather(slot, last_slot + 1, final, self.total)
        # the discount takes the place of `ends`, so that only one array is sent to the device
        ends[:] = discount
        if weight is not None:
            numbers = np.column_stack([numbers, weight.astype(self._np_dtype)])
        sent = self._rows.send(numbers)
        columns = sent[:, action_dim:].unbind(1)
        return Batch(
            obs=self._float(obs),
            action=sent[:, :action_dim],
            reward=columns[0],
            next_obs=self._float(next_obs),
            terminated=columns[1],
            discount=columns[2],
            weight=None if weight is None else columns[3],
        )

    def _look_ahead(self, first: np.ndarray, reward: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Find the last of up to n_step transitions of one episode, and sum their rewards.

        (N,), (N,) -> (N,), (N,). Rewards are discounted by their distance: r_1 + gamma r_2 + ...
        """
        last = first.copy()
        total = reward.astype(np.float64)
        for k in range(1, self.n_step):
            same_episode = (last == first + k - 1) & (self.ends[last % self.slots] == 0)
            goes_on = same_episode & (last + 1 < self.total)
            last += goes_on
            total += goes_on * self._discounts[k] * self.reward[last % self.slots]
        return last, total

    def _float(self, obs: Tensor) -> Tensor:
        """Convert observations to the networks' precision; pixels stay bytes."""
        return obs if obs.dtype in (self.dtype, torch.uint8) else obs.to(self.dtype)

    def holds(self, start: int, stop: int) -> bool:
        """Whether none of the transitions [start, stop) has been dropped."""
        return self.total - len(self) <= start and stop <= self.total

    def export(self, start: int, stop: int) -> dict[str, np.ndarray]:
        """Copy the transitions [start, stop), which end with an episode's end, for `restore`."""
        slot = np.arange(start, stop) % self.slots
        ends = self.ends[slot].astype(bool)
        final = [self.final_obs[int(s)] for s in slot[ends]]
        return {
            "obs": self.obs[slot],
            "action": self.action[slot],
            "reward": self.reward[slot],
            "terminated": self.terminated[slot],
            "ends": ends,
            "final_obs": np.array(final, self.obs.dtype).reshape(len(final), *self.obs.shape[1:]),
        }

    def restore(self, start: int, arrays: dict[str, np.ndarray]) -> None:
        """Store what `export` returned as the transitions from `start` on.

        Called several times, the newest transitions come last.
        """
        count = len(arrays["reward"])
        skip = max(0, count - self.buffer_size)  # a buffer that was made smaller keeps the newest
        slot = np.arange(start + skip, start + count) % self.slots
        for name in ("obs", "action", "reward", "terminated", "ends"):
            getattr(self, name)[slot] = arrays[name][skip:]
        ending = slot[self.ends[slot] > 0]
        if len(ending):
            final = arrays["final_obs"][-len(ending) :]
            self.final_obs.update(zip(ending.tolist(), final, strict=True))
        self.total = start + count
        self._rows.forget()

    def state_dict(self) -> dict[str, Any]:
        """Return the state beside the transitions themselves, which `export` returns."""
        return {}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state that `state_dict` returned, after all transitions."""
