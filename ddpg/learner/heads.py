"""Heads: what the numbers that a critic gives for (s, a) mean, and how it learns them.

They are one number, its value (`Scalar`: DDPG, TD3), or a distribution over values (`Categorical`:
D4PG). Everything is in the units of scaled rewards: the environment's times `reward_scale`.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol

import torch
from torch import Tensor
from torch.nn.functional import kl_div

from ddpg.ranges import Lasting, PositiveInt

#: How several critics become one; "first" means that the first alone is asked.
Reduce = Literal["first", "min", "mean"]


class Head(Protocol):
    """The meaning of critics' outputs for a minibatch, each of shape (N,), or (N, outputs)."""

    #: How many numbers a critic gives for each (s, a).
    outputs: int

    def value(self, output: Tensor) -> Tensor:
        """Return Q(s, a), (N,)."""

    def reduce(self, outputs: Sequence[Tensor], how: Reduce) -> Tensor:
        """Make one output of those of several critics: that of the smallest value, or the mean."""

    def target(self, reward: Tensor, discount: Tensor, next_output: Tensor) -> Tensor:
        """Return what the critics are to learn, y = r + discount Q'.

        `reward` and `discount` have shape (N,); the discount is 0 where the episode terminated.
        """

    def error(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each transition, (N,)."""

    def distance(self, output: Tensor, target: Tensor) -> Tensor:
        """Return how wrong the critic was about each transition, (N,), >= 0, without a gradient.

        Prioritized replay takes it as |delta_i|.
        """


class Scalar:
    """One number for each (s, a): its value. Critics learn it by the squared error."""

    outputs = 1

    def value(self, output: Tensor) -> Tensor:
        """Return Q(s, a), which is the output itself."""
        return output

    def reduce(self, outputs: Sequence[Tensor], how: Reduce) -> Tensor:
        """Return the smallest value (TD3's clipped double Q) or the mean of all."""
        if len(outputs) == 1:
            return outputs[0]
        values = torch.stack(list(outputs))
        return values.amin(dim=0) if how == "min" else values.mean(dim=0)

    def target(self, reward: Tensor, discount: Tensor, next_output: Tensor) -> Tensor:
        """Return y_i = r_i + gamma Q'(s_{i+1}, mu'(s_{i+1})), line 12 of Algorithm 1, (N,)."""
        return reward + discount * next_output

    def error(self, output: Tensor, target: Tensor) -> Tensor:
        """Return (y_i - Q(s_i, a_i))^2, line 13 of Algorithm 1."""
        difference = target - output
        return difference * difference

    def distance(self, output: Tensor, target: Tensor) -> Tensor:
        """Return |y_i - Q(s_i, a_i)|."""
        return (target - output).detach().abs()


class Categorical:
    """A distribution over `atoms` values z_1 ... z_n, evenly spaced from v_min to v_max.

    A critic gives the logits of their probabilities p_j, (N, atoms), and learns them by the cross
    entropy. This is the critic of D4PG (Barth-Maron et al. 2018), with the projection and the loss
    of C51 (Bellemare et al. 2017, Algorithm 1).
    """

    def __init__(
        self, atoms: Annotated[PositiveInt, Lasting()], v_min: float, v_max: float
    ) -> None:
        if atoms < 2:
            raise ValueError(f"atoms={atoms} must be at least 2")
        if v_min >= v_max:
            raise ValueError(f"v_min={v_min:g} must be below v_max={v_max:g}")
        self.outputs = atoms
        self._v_min = v_min
        self._v_max = v_max
        self._spacing = (v_max - v_min) / (atoms - 1)

    def value(self, output: Tensor) -> Tensor:
        """Return the mean of the distribution, Q = sum_j p_j z_j."""
        return (output.softmax(dim=-1) * self._atoms(output)).sum(dim=-1)

    def reduce(self, outputs: Sequence[Tensor], how: Reduce) -> Tensor:
        """Return the distribution with the smallest mean, or the mixture with equal weights."""
        if len(outputs) == 1:
            return outputs[0]
        log_p = torch.stack(list(outputs)).log_softmax(dim=-1)  # (critics, N, atoms)
        if how == "mean":
            return log_p.logsumexp(dim=0)
        smallest = self.value(log_p).argmin(dim=0)
        return log_p.take_along_dim(smallest.reshape(1, -1, 1), dim=0).squeeze(0)

    def target(self, reward: Tensor, discount: Tensor, next_output: Tensor) -> Tensor:
        """Project the distribution of r + discount z onto the atoms: probabilities (N, atoms).

        A value between two atoms gives its probability to both, in proportion to its nearness, so
        that the mean is kept; a value beyond v_min or v_max gives all of it to that end.
        """
        moved = reward.unsqueeze(-1) + discount.unsqueeze(-1) * self._atoms(next_output)
        last = self.outputs - 1
        place = ((moved - self._v_min) / self._spacing).clamp(0, last)  # 0 is z_1, last is z_n
        places = torch.arange(self.outputs, dtype=place.dtype, device=place.device)
        nearness = (1 - (place.unsqueeze(-1) - places).abs()).clamp(min=0)  # (N, from, to)
        return (next_output.softmax(dim=-1).unsqueeze(1) @ nearness).squeeze(1)

    def error(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the cross entropy of the target y and the prediction p, -sum_j y_j log p_j."""
        return -(target * output.log_softmax(dim=-1)).sum(dim=-1)

    def distance(self, output: Tensor, target: Tensor) -> Tensor:
        """Return the Kullback-Leibler divergence KL(y || p), as in Rainbow (Hessel et al. 2018)."""
        log_p = output.detach().log_softmax(dim=-1)
        divergence = kl_div(log_p, target, reduction="none").sum(dim=-1)
        return divergence.clamp(min=0)  # rounding makes it -1e-8 where both are equal

    def _atoms(self, like: Tensor) -> Tensor:
        """Return z, (atoms,), in the number format and on the device of another tensor."""
        return torch.linspace(
            self._v_min, self._v_max, self.outputs, dtype=like.dtype, device=like.device
        )
