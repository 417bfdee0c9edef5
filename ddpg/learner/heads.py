"""What a critic's output means: a value, or a distribution over values (Bellemare et al. 2017)."""

from collections.abc import Sequence
from typing import Literal, Protocol

import torch
from torch import Tensor

from ddpg.ranges import PositiveInt

Reduce = Literal["first", "min", "mean"]


class Head(Protocol):
    """The reading of critics' outputs, each (N,) or (N, outputs), that the agent works with."""

    #: Numbers that a critic gives for each (s, a).
    outputs: int

    def value(self, output: Tensor) -> Tensor:
        """Give Q(s, a), (N,)."""

    def reduce(self, outputs: Sequence[Tensor], how: Reduce) -> Tensor:
        """Make one output of the outputs of several critics."""

    def target(self, reward: Tensor, discount: Tensor, next_output: Tensor) -> Tensor:
        """Give what a critic shall learn, y = r + discount Q'; discount is 0 after the end."""

    def error(self, output: Tensor, target: Tensor) -> Tensor:
        """Give the loss of each transition, (N,)."""

    def distance(self, output: Tensor, target: Tensor) -> Tensor:
        """Give how wrong the critic was about each transition, (N,), >= 0: its priority."""


class Scalar:
    """One number for each (s, a): its value. Critics learn it by the squared error."""

    outputs = 1

    def value(self, output: Tensor) -> Tensor:
        return output

    def reduce(self, outputs: Sequence[Tensor], how: Reduce) -> Tensor:
        if len(outputs) == 1:
            return outputs[0]
        values = torch.stack(list(outputs))
        return values.amin(dim=0) if how == "min" else values.mean(dim=0)

    def target(self, reward: Tensor, discount: Tensor, next_output: Tensor) -> Tensor:
        """y_i = r_i + gamma Q'(s_{i+1}, mu'(s_{i+1})), line 12 of Algorithm 1, shape (N,)."""
        return reward + discount * next_output

    def error(self, output: Tensor, target: Tensor) -> Tensor:
        """(y_i - Q(s_i, a_i))^2, line 13 of Algorithm 1."""
        difference = target - output
        return difference * difference

    def distance(self, output: Tensor, target: Tensor) -> Tensor:
        """|y_i - Q(s_i, a_i)|."""
        return (target - output).detach().abs()


class Categorical:
    """The logits of `atoms` values z_1 .. z_n, evenly spaced from v_min to v_max.

    The critic of D4PG (Barth-Maron et al. 2018), with the projection and the loss of C51 (Bellemare
    et al. 2017, Algorithm 1). Values are in the critic's units: rewards times reward_scale.
    """

    def __init__(self, atoms: PositiveInt, v_min: float, v_max: float) -> None:
        if atoms < 2:
            raise ValueError(f"atoms={atoms} must be at least 2")
        if v_min >= v_max:
            raise ValueError(f"v_min={v_min:g} must be below v_max={v_max:g}")
        self.outputs = atoms
        self._v_min = v_min
        self._v_max = v_max
        self._spacing = (v_max - v_min) / (atoms - 1)

    def value(self, output: Tensor) -> Tensor:
        """Q = sum_j p_j z_j, the mean of the distribution."""
        return (output.softmax(dim=-1) * self._atoms_like(output)).sum(dim=-1)

    def reduce(self, outputs: Sequence[Tensor], how: Reduce) -> Tensor:
        """Choose the distribution with the smallest mean, or mix all of them with equal weights."""
        if len(outputs) == 1:
            return outputs[0]
        logits = torch.stack(list(outputs)).log_softmax(dim=-1)
        if how == "mean":
            return logits.logsumexp(dim=0)
        smallest = self.value(logits).argmin(dim=0)
        return logits.gather(0, smallest.reshape(1, -1, 1).expand(1, -1, self.outputs)).squeeze(0)

    def target(self, reward: Tensor, discount: Tensor, next_output: Tensor) -> Tensor:
        """Project the distribution of r + discount z onto the atoms: probabilities (N, atoms).

        Each moved atom gives its probability to its two neighbours, in proportion to its nearness.
        """
        atoms = self._atoms_like(next_output)
        moved = reward.unsqueeze(-1) + discount.unsqueeze(-1) * atoms
        moved = moved.clamp(self._v_min, self._v_max)
        apart = (moved.unsqueeze(1) - atoms.unsqueeze(-1)).abs() / self._spacing
        nearness = (1 - apart).clamp(min=0)  # (N, to, from)
        return (nearness * next_output.softmax(dim=-1).unsqueeze(1)).sum(dim=-1)

    def error(self, output: Tensor, target: Tensor) -> Tensor:
        """The cross entropy of the prediction with the target, -sum_j y_j log p_j."""
        return -(target * output.log_softmax(dim=-1)).sum(dim=-1)

    def distance(self, output: Tensor, target: Tensor) -> Tensor:
        """The Kullback-Leibler divergence KL(y || p), the priority of Rainbow (Hessel et al. 2018)."""
        log_p = output.detach().log_softmax(dim=-1)
        return (torch.xlogy(target, target) - target * log_p).sum(dim=-1).clamp(min=0)

    def _atoms_like(self, output: Tensor) -> Tensor:
        """Give z, (atoms,), in the precision and on the device of an output."""
        return torch.linspace(self._v_min, self._v_max, self.outputs, dtype=output.dtype, device=output.device)
