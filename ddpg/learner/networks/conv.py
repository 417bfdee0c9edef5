"""Actor and critic that see pictures: convolutions before an MLP (paper, section 7)."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from ddpg.learner.networks.mlp import Actor, Critic, Norm
from ddpg.ranges import Count, Positive, PositiveInt


class Convolutions(nn.Module):
    """Maps pictures of bytes (B, channels, height, width) to features (B, *shape).

    Bytes are scaled to [0, 1]. There is no pooling, and a ReLU after each layer. Weights and biases
    start as U(+-1/sqrt(fan_in)), the paper's and torch's choice. Raises ValueError for observations
    that are no pictures, and for layers that leave nothing of them.
    """

    def __init__(
        self,
        obs_shape: Sequence[int],
        filters: Sequence[PositiveInt],
        kernel: PositiveInt,
        stride: PositiveInt,
        padding: Count,
    ) -> None:
        super().__init__()
        if len(obs_shape) != 3:
            shape = " x ".join(map(str, obs_shape))
            raise ValueError(
                f"observations of {shape} numbers are no pictures: "
                "choose env.pixels=64, or a preset and a network for vectors"
            )
        layers: list[nn.Module] = []
        for before, after in pairwise([obs_shape[0], *filters]):
            layers.append(nn.Conv2d(before, after, kernel, stride, padding))
            layers.append(nn.ReLU(inplace=True))
        self.layers = nn.Sequential(*layers, nn.Flatten())
        self.shape = [_features(obs_shape, filters, kernel, stride, padding)]

    def forward(self, obs: Tensor) -> Tensor:
        return self.layers(obs.to(next(self.parameters()).dtype) / 255)


class PixelActor(nn.Module):
    """mu(s): maps pictures of bytes (B, *obs_shape) to actions (B, action_dim).

    It is an `Actor` that sees the features of its own convolutions.
    """

    def __init__(
        self,
        obs_shape: Sequence[int],
        low: Tensor,
        high: Tensor,
        filters: Sequence[PositiveInt],
        kernel: PositiveInt,
        stride: PositiveInt,
        padding: Count,
        hidden: Sequence[PositiveInt],
        norm: Norm,
        final_init: Positive | None,
    ) -> None:
        super().__init__()
        self.convolutions = Convolutions(obs_shape, filters, kernel, stride, padding)
        self.head = Actor(
            self.convolutions.shape,
            low,
            high,
            hidden=hidden,
            activation="relu",
            norm=norm,
            init="fan_in",
            final_init=final_init,
        )

    def forward(self, obs: Tensor) -> Tensor:
        return self.head(self.convolutions(obs))


class PixelCritic(nn.Module):
    """Q(s, a): maps pictures of bytes (B, *obs_shape) and actions (B, action_dim) to values (B,).

    It is a `Critic` that sees the features of its own convolutions; actions enter at the fully
    connected layers.
    """

    def __init__(
        self,
        obs_shape: Sequence[int],
        low: Tensor,
        high: Tensor,
        outputs: int,
        filters: Sequence[PositiveInt],
        kernel: PositiveInt,
        stride: PositiveInt,
        padding: Count,
        hidden: Sequence[PositiveInt],
        action_layer: PositiveInt,
        scaled_actions: bool,
        norm: Norm,
        final_init: Positive | None,
    ) -> None:
        super().__init__()
        self.convolutions = Convolutions(obs_shape, filters, kernel, stride, padding)
        self.head = Critic(
            self.convolutions.shape,
            low,
            high,
            outputs,
            hidden=hidden,
            action_layer=action_layer,
            action_hidden=[],
            scaled_actions=scaled_actions,
            activation="relu",
            norm=norm,
            init="fan_in",
            final_init=final_init,
        )

    def forward(self, obs: Tensor, action: Tensor) -> Tensor:
        return self.head(self.convolutions(obs), action)


def _features(
    obs_shape: Sequence[int],
    filters: Sequence[int],
    kernel: int,
    stride: int,
    padding: int,
) -> int:
    """Count the numbers that the last layer gives for one picture."""
    if not filters:
        raise ValueError("filters=[] must have at least one layer")
    sides = list(obs_shape[1:])
    for _ in filters:
        sides = [(side + 2 * padding - kernel) // stride + 1 for side in sides]
        if min(sides) < 1:
            picture = " x ".join(map(str, obs_shape[1:]))
            raise ValueError(
                f"kernel={kernel} with stride={stride} leaves nothing of pictures of {picture}"
            )
    height, width = sides
    return filters[-1] * height * width
