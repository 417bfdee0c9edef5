"""Actor and critic that see pictures: convolutions before the networks of mlp.py (Lillicrap 2016, section 7)."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn

from ddpg.learner.networks.mlp import Actor, Critic, Norm
from ddpg.ranges import Count, Positive, PositiveInt


class Convolutions(nn.Module):
    """Pictures of bytes (B, channels, height, width), scaled to [0, 1], to features (B, *shape).

    No pooling; ReLU after each layer. Weights and biases start as U(+-1/sqrt(fan_in)): the paper's, torch's default.
    """

    def __init__(
        self, obs_shape: Sequence[int],
        filters: Sequence[PositiveInt], kernel: PositiveInt, stride: PositiveInt, padding: Count,
    ) -> None:  # fmt: skip
        super().__init__()
        if len(obs_shape) != 3:
            raise ValueError(
                f"observations of {' x '.join(map(str, obs_shape))} numbers are no pictures: "
                "choose env.pixels=64, or a preset and a network for vectors"
            )
        layers: list[nn.Module] = []
        for before, after in pairwise([obs_shape[0], *filters]):
            layers += [nn.Conv2d(before, after, kernel, stride, padding), nn.ReLU(inplace=True)]
        self.layers = nn.Sequential(*layers, nn.Flatten())
        self.shape = [_features(obs_shape, filters, kernel, stride, padding)]

    def forward(self, obs: Tensor) -> Tensor:
        return self.layers(obs.to(next(self.parameters()).dtype) / 255)


class PixelActor(nn.Module):
    """mu(s): pictures (B, *obs_shape) of bytes to actions (B, action_dim), as `Actor` with convolutions of its own."""

    def __init__(
        self, obs_shape: Sequence[int], low: Tensor, high: Tensor,
        filters: Sequence[PositiveInt], kernel: PositiveInt, stride: PositiveInt, padding: Count,
        hidden: Sequence[PositiveInt], norm: Norm, final_init: Positive | None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.convolutions = Convolutions(obs_shape, filters, kernel, stride, padding)
        self.head = Actor(
            self.convolutions.shape, low, high,
            hidden=hidden, activation="relu", norm=norm, init="fan_in", final_init=final_init,
        )  # fmt: skip

    def forward(self, obs: Tensor) -> Tensor:
        return self.head(self.convolutions(obs))


class PixelCritic(nn.Module):
    """Q(s, a): pictures (B, *obs_shape) of bytes and actions (B, action_dim) to values (B,).

    As `Critic` with convolutions of its own: actions enter at the fully connected layers.
    """

    def __init__(
        self, obs_shape: Sequence[int], action_dim: int, outputs: int,
        filters: Sequence[PositiveInt], kernel: PositiveInt, stride: PositiveInt, padding: Count,
        hidden: Sequence[PositiveInt], action_layer: PositiveInt, norm: Norm, final_init: Positive | None,
    ) -> None:  # fmt: skip
        super().__init__()
        self.convolutions = Convolutions(obs_shape, filters, kernel, stride, padding)
        self.head = Critic(
            self.convolutions.shape, action_dim, outputs,
            hidden=hidden, action_layer=action_layer, action_hidden=[],
            activation="relu", norm=norm, init="fan_in", final_init=final_init,
        )  # fmt: skip

    def forward(self, obs: Tensor, action: Tensor) -> Tensor:
        return self.head(self.convolutions(obs), action)


def _features(obs_shape: Sequence[int], filters: Sequence[int], kernel: int, stride: int, padding: int) -> int:
    """How many numbers the last layer gives."""
    if not filters:
        raise ValueError("filters=[] must have at least one layer")
    _, height, width = obs_shape
    for _ in filters:
        height, width = ((side + 2 * padding - kernel) // stride + 1 for side in (height, width))
        if min(height, width) < 1:
            picture = " x ".join(map(str, obs_shape[1:]))
            raise ValueError(f"kernel={kernel} with stride={stride} leaves nothing of pictures of {picture}")
    return filters[-1] * height * width
