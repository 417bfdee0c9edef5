"""The floor of the time of an update: its matrix products by torch, and nothing else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

Product = tuple[Tensor, Tensor, Tensor]


@dataclass(frozen=True)
class Shapes:
    """The shapes of an update: units of the hidden layers, and the layer of the critic where the action enters.

    There are `policy_delay` updates of the critic for one of the actor.
    """

    hidden: Sequence[int]
    action_layer: int
    batch_size: int
    policy_delay: int
    obs: int = 17  # HalfCheetah
    action: int = 6


class Net:
    """Weights and layer inputs; layer i maps `widths[i] + joins.get(i, 0)` numbers to `widths[i + 1]`."""

    def __init__(self, batch: int, widths: Sequence[int], joins: dict[int, int]) -> None:
        self.widths = widths
        self.batch = batch
        fan_in = [width + joins.get(i, 0) for i, width in enumerate(widths[:-1])]
        shapes = zip(widths[1:], fan_in, strict=True)
        self.weights = [torch.randn(n_out, n_in) / n_in**0.5 for n_out, n_in in shapes]
        self.inputs = [torch.randn(batch, n_in) for n_in in fan_in]

    def forward(self) -> list[Product]:
        """Return a product for each layer; where nothing joins, it writes the next layer's input."""
        following = [*self.inputs[1:], torch.empty(self.batch, self.widths[-1])]
        outs = [
            out if out.shape[1] == width else torch.empty(self.batch, width)
            for out, width in zip(following, self.widths[1:], strict=True)
        ]
        return [(x, w.t(), out) for x, w, out in zip(self.inputs, self.weights, outs, strict=True)]

    def backward(self) -> list[Product]:
        """Return the products of the gradients: of all weights, and of all inputs but the first and those that join."""
        products = []
        grad = torch.randn(self.batch, self.widths[-1])
        for i in reversed(range(len(self.weights))):
            products.append((grad.t(), self.inputs[i], torch.empty_like(self.weights[i])))
            if i > 0:
                incoming = torch.empty(self.batch, self.widths[i])
                products.append((grad, self.weights[i][:, : self.widths[i]], incoming))
                grad = incoming
        return products

    def backward_to(self, layer: int, columns: int) -> list[Product]:
        """Return the products of input gradients down to the last `columns` inputs of `layer`, which are the action."""
        products = []
        grad = torch.randn(self.batch, self.widths[-1])
        for i in reversed(range(layer, len(self.weights))):
            weight = self.weights[i][:, -columns:] if i == layer else self.weights[i]
            incoming = torch.empty(self.batch, weight.shape[1])
            products.append((grad, weight, incoming))
            grad = incoming
        return products


def products(shapes: Shapes) -> list[Product]:
    """Return the products of `policy_delay` updates of the critic and one of the actor."""
    layer = shapes.action_layer - 1
    actor_widths = [shapes.obs, *shapes.hidden, shapes.action]
    critic_widths = [shapes.obs, *shapes.hidden, 1]
    actor = Net(shapes.batch_size, actor_widths, {})
    actor_target = Net(shapes.batch_size, actor_widths, {})
    critic = Net(shapes.batch_size, critic_widths, {layer: shapes.action})
    critic_target = Net(shapes.batch_size, critic_widths, {layer: shapes.action})
    critic_update = actor_target.forward() + critic_target.forward() + critic.forward() + critic.backward()
    actor_update = actor.forward() + critic.forward() + critic.backward_to(layer, shapes.action) + actor.backward()
    return critic_update * shapes.policy_delay + actor_update


def flop(products: Sequence[Product]) -> int:
    """Count the floating point operations: a multiplication and an addition for each triple of indices."""
    return sum(2 * a.shape[0] * a.shape[1] * b.shape[1] for a, b, _ in products)


def floor(shapes: Shapes) -> Callable[[], None]:
    """Return a function that computes the products of `policy_delay` updates."""
    work = products(shapes)

    def multiply() -> None:
        for a, b, out in work:
            torch.mm(a, b, out=out)

    return multiply
