"""The floor: the matrix products of an update by torch, and nothing else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Product = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Shapes:
    """Of an update: hidden units, the critic's layer where the action enters, critic updates for one of the actor."""

    hidden: Sequence[int]
    action_layer: int
    batch_size: int
    policy_delay: int
    obs: int = 17  # HalfCheetah
    action: int = 6


class Net:
    """Weights and layer inputs; layer i maps `widths[i] + joins.get(i, 0)` numbers to `widths[i + 1]`."""

    def __init__(self, batch: int, widths: Sequence[int], joins: dict[int, int]) -> None:
        self.widths, self.batch = widths, batch
        fan_in = [width + joins.get(i, 0) for i, width in enumerate(widths[:-1])]
        shapes = zip(widths[1:], fan_in, strict=True)
        self.weights = [torch.randn(n_out, n_in) / n_in**0.5 for n_out, n_in in shapes]
        self.inputs = [torch.randn(batch, n_in) for n_in in fan_in]

    def forward(self) -> list[Product]:
        """One product for every layer; where nothing joins, it writes the next layer's input."""
        following = [*self.inputs[1:], torch.empty(self.batch, self.widths[-1])]
        outs = [
            out if out.shape[1] == width else torch.empty(self.batch, width)
            for out, width in zip(following, self.widths[1:], strict=True)
        ]
        return [(x, w.t(), out) for x, w, out in zip(self.inputs, self.weights, outs, strict=True)]

    def backward(self) -> list[Product]:
        """Weight gradients of every layer; input gradients of all but the first, without what joined."""
        products, grad = [], torch.randn(self.batch, self.widths[-1])
        for i in reversed(range(len(self.weights))):
            products.append((grad.t(), self.inputs[i], torch.empty_like(self.weights[i])))
            if i > 0:
                incoming = torch.empty(self.batch, self.widths[i])
                products.append((grad, self.weights[i][:, : self.widths[i]], incoming))
                grad = incoming
        return products

    def backward_to(self, layer: int, columns: int) -> list[Product]:
        """Input gradients alone, down to the last `columns` inputs of `layer`, which are the action."""
        products, grad = [], torch.randn(self.batch, self.widths[-1])
        for i in reversed(range(layer, len(self.weights))):
            weight = self.weights[i][:, -columns:] if i == layer else self.weights[i]
            incoming = torch.empty(self.batch, weight.shape[1])
            products.append((grad, weight, incoming))
            grad = incoming
        return products


def products(shapes: Shapes) -> list[Product]:
    """Those of `policy_delay` critic updates and one actor update."""
    layer, hidden = shapes.action_layer - 1, shapes.hidden

    def actor() -> Net:
        return Net(shapes.batch_size, [shapes.obs, *hidden, shapes.action], {})

    def critic() -> Net:
        return Net(shapes.batch_size, [shapes.obs, *hidden, 1], {layer: shapes.action})

    mu, mu_target, q, q_target = actor(), actor(), critic(), critic()
    critic_update = mu_target.forward() + q_target.forward() + q.forward() + q.backward()
    actor_update = mu.forward() + q.forward() + q.backward_to(layer, shapes.action) + mu.backward()
    return critic_update * shapes.policy_delay + actor_update


def flop(of: Sequence[Product]) -> int:
    """Floating point operations: a multiplication and an addition for every triple."""
    return sum(2 * a.shape[0] * a.shape[1] * b.shape[1] for a, b, _ in of)


def floor(shapes: Shapes) -> Callable[[], None]:
    """Does the products of `policy_delay` updates."""
    work = products(shapes)

    def multiply() -> None:
        for a, b, out in work:
            torch.mm(a, b, out=out)

    return multiply
