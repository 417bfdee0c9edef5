"""Prioritized experience replay (Schaul et al. 2016), the proportional variant."""

from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
import torch
from torch import Tensor

from ddpg.errors import UserError
from ddpg.learner.batch import Batch
from ddpg.learner.replay.buffer import ReplayBuffer
from ddpg.ranges import Fraction, Lasting, Positive, PositiveInt


class PrioritizedReplay(ReplayBuffer):
    """Samples transitions with a large error more often.

    P(i) = p_i^alpha / sum_k p_k^alpha, where p_i = |error_i| + epsilon (equation 1 and section
    3.3). New transitions begin with the largest priority so far. The weights (1 / (N P(i)))^beta,
    divided by the largest of the minibatch, undo the bias; beta grows linearly to 1 over
    `beta_steps` samples (section 3.4; Algorithm 1).
    """

    def __init__(
        self,
        alpha: Annotated[Fraction, Lasting()],
        beta: Fraction,
        beta_steps: PositiveInt,
        epsilon: Positive,
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
        super().__init__(
            n_step, gamma, buffer_size, obs_shape, obs_dtype, action_dim, rng, device, dtype
        )
        self.alpha = alpha
        self.beta = beta
        self.beta_steps = beta_steps
        self.epsilon = epsilon
        self._tree = SumTree(self.slots)
        self._largest = 1.0
        self._samples = 0
        self._entered = 0  # transitions before this one are in the tree
        self._drawn = np.zeros(0, np.int64)

    def sample(self, batch_size: int) -> Batch:
        """Draw transitions by priority, one from each of `batch_size` equal shares of their sum.

        `weight`, (batch_size,), has the weights that undo the bias.
        """
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
        """Set the priorities of the last sample from its errors, (N,).

        The tree of sums is on the host, so this waits for an update on a GPU. Raises UserError if
        the algorithm returns no errors.
        """
        if td_error is None:
            raise UserError(
                "replay=prioritized needs the td_error of every update, "
                "which this algorithm does not give: replay=uniform"
            )
        priority = (td_error.double().cpu().numpy() + self.epsilon) ** self.alpha
        self._largest = max(self._largest, float(priority.max()))
        self._tree[self._drawn % self.slots] = priority

    def _enter_new(self) -> None:
        """Give new transitions the largest priority so far, and dropped ones none."""
        self._entered = max(self._entered, self.total - self.slots)
        if self._entered < self.total:
            new = np.arange(self._entered, self.total)
            self._tree[new % self.slots] = self._largest
            # the slot after the newest transition holds its next_obs and no transition
            self._tree[np.array([self.total % self.slots])] = 0.0
            self._entered = self.total

    def state_dict(self) -> dict[str, Any]:
        self._enter_new()
        oldest = (self.total - len(self)) % self.slots
        priorities = np.roll(self._tree.leaves, -oldest)[: len(self)]
        return {
            "priorities": torch.from_numpy(priorities),
            "largest": self._largest,
            "samples": self._samples,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        values = np.zeros(self.slots)
        # a buffer that was made smaller keeps the newest
        values[self._filled()] = state["priorities"].numpy()[-self.buffer_size :]
        self._tree[np.arange(self.slots)] = values
        self._largest = state["largest"]
        self._samples = state["samples"]
        self._entered = self.total

    def _filled(self) -> np.ndarray:
        """List the slots of all transitions, oldest first."""
        return np.arange(self.total - len(self), self.total) % self.slots


class SumTree:
    """A number >= 0 in each slot, and a binary tree of their sums.

    To find or to change n of them takes n log(slots) steps (Schaul et al. 2016, appendix B.2.1).
    """

    def __init__(self, slots: int) -> None:
        self._slots = slots
        # node k has the children 2k and 2k + 1; leaves start here
        self._leaf = 1 << (slots - 1).bit_length()
        self._node = np.zeros(2 * self._leaf)

    @property
    def total(self) -> float:
        """The sum over all slots."""
        return float(self._node[1])

    @property
    def leaves(self) -> np.ndarray:
        """The numbers in all slots, (slots,); a view."""
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
        """Find for each mass in [0, total) the slot where the running sum passes it, (n,)."""
        node = np.ones(len(mass), np.int64)
        for _ in range(self._leaf.bit_length() - 1):
            left = self._node[2 * node]
            # rounding must not lead into an empty branch
            right = (mass >= left) & (self._node[2 * node + 1] > 0)
            mass = np.where(right, mass - left, mass)
            node = 2 * node + right
        return node - self._leaf
