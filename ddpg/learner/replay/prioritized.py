"""Prioritized experience replay (Schaul et al. 2016), the proportional variant."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ddpg.learner.batch import Batch
from ddpg.learner.replay.buffer import ReplayBuffer
from ddpg.ranges import Fraction, Positive, PositiveInt


class PrioritizedReplay(ReplayBuffer):
    """Transitions with a large error come more often: P(i) = p_i^alpha / sum_k p_k^alpha, p_i = |error_i| + epsilon.

    What is new comes with the largest priority so far. The weights (1 / (N P(i)))^beta, divided by the largest of the
    minibatch, undo the bias; beta grows linearly to 1 over `beta_steps` samples (section 3.4; Algorithm 1).
    """

    def __init__(
        self, alpha: Fraction, beta: Fraction, beta_steps: PositiveInt, epsilon: Positive,
        n_step: PositiveInt, gamma: float, buffer_size: int, obs_shape: Sequence[int], obs_dtype: np.dtype[Any],
        action_dim: int, rng: np.random.Generator, device: torch.device, dtype: torch.dtype,
    ) -> None:  # fmt: skip
        super().__init__(n_step, gamma, buffer_size, obs_shape, obs_dtype, action_dim, rng, device, dtype)
        self.alpha, self.beta, self.beta_steps, self.epsilon = alpha, beta, beta_steps, epsilon
        self._tree = SumTree(self.slots)
        self._largest = 1.0
        self._samples = 0
        self._known = 0  # transitions before this one are in the tree
        self._drawn = np.zeros(0, np.int64)

    def sample(self, batch_size: int) -> Batch:
        """`batch_size` transitions by priority, one from each of as many equal shares of the sum."""
        self._enter_new()
        share = (np.arange(batch_size) + self.rng.random(batch_size)) / batch_size
        slot = self._tree.find(share * self._tree.total)
        priority = self._tree[slot]
        age = (self.total - 1 - slot) % self.slots
        self._drawn = self.total - 1 - age
        beta = self.beta + (1 - self.beta) * min(1.0, self._samples / self.beta_steps)
        self._samples += 1
        weight = (len(self) * priority / self._tree.total) ** -beta
        return self._gather(self._drawn, weight / weight.max())

    def update_priorities(self, td_error: Tensor | None) -> None:
        """Gives the transitions of the last sample the priorities that their errors, (N,), deserve.

        The tree of sums is on the host: this waits for the errors of an update on a GPU.
        """
        if td_error is None:
            raise ValueError("prioritized replay needs the errors of what it gave: set agent.td_error in the update")
        priority = (td_error.double().cpu().numpy() + self.epsilon) ** self.alpha
        self._largest = max(self._largest, float(priority.max()))
        self._tree[self._drawn % self.slots] = priority

    def _enter_new(self) -> None:
        """What came since the last sample gets the largest priority, what was dropped for it none."""
        self._known = max(self._known, self.total - self.slots)
        if self._known < self.total:
            self._tree[np.arange(self._known, self.total) % self.slots] = self._largest
            self._tree[np.array([self.total % self.slots])] = 0.0  # no transition: the newest one's next_obs
            self._known = self.total

    def state_dict(self) -> dict[str, Any]:
        self._enter_new()
        oldest = (self.total - len(self)) % self.slots
        return {
            "priorities": torch.from_numpy(np.roll(self._tree.leaves, -oldest)[: len(self)]),
            "largest": self._largest,
            "samples": self._samples,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        values = np.zeros(self.slots)
        # a memory made smaller keeps the newest
        values[self._held()] = state["priorities"].numpy()[-self.buffer_size :]
        self._tree[np.arange(self.slots)] = values
        self._largest, self._samples = state["largest"], state["samples"]
        self._known = self.total

    def _held(self) -> np.ndarray:
        """The slots of all transitions, oldest first."""
        return np.arange(self.total - len(self), self.total) % self.slots


class SumTree:
    """A number >= 0 in each slot, and a binary tree of sums: finding and changing n of them takes n log(slots)."""

    def __init__(self, slots: int) -> None:
        self._slots = slots
        self._leaf = 1 << (slots - 1).bit_length()  # node k has the children 2k and 2k + 1; leaves start here
        self._node = np.zeros(2 * self._leaf)

    @property
    def total(self) -> float:
        """Sum over all slots."""
        return float(self._node[1])

    @property
    def leaves(self) -> np.ndarray:
        """The numbers in all slots; a view."""
        return self._node[self._leaf : self._leaf + self._slots]

    def __getitem__(self, slot: np.ndarray) -> np.ndarray:
        return self._node[self._leaf + slot]

    def __setitem__(self, slot: np.ndarray, value: np.ndarray | float) -> None:
        node = self._leaf + slot
        self._node[node] = value
        while node[0] > 1:
            node = node // 2
            self._node[node] = self._node[2 * node] + self._node[2 * node + 1]

    def find(self, mass: np.ndarray) -> np.ndarray:
        """For each mass in [0, total) the slot where the running sum of the slots passes it. (n,) -> (n,)"""
        node = np.ones(len(mass), np.int64)
        for _ in range(self._leaf.bit_length() - 1):
            left = self._node[2 * node]
            # rounding must not lead into an empty branch
            right = (mass >= left) & (self._node[2 * node + 1] > 0)
            mass = np.where(right, mass - left, mass)
            node = 2 * node + right
        return node - self._leaf
