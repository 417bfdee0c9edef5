"""The actor mu(s) and the critic Q(s, a) as multilayer perceptrons.

Their arguments are the choices in which programs of DDPG differ.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor, nn

from ddpg.ranges import Positive, PositiveInt

Norm = Literal["none", "batch", "layer"]
Init = Literal["fan_in", "xavier", "lecun_normal"]
Activation = Literal["relu", "tanh"]

#: The standard deviation of a unit normal that is cut at two of its standard deviations.
STD_OF_CUT_NORMAL = 0.87962566103423978


class Actor(nn.Module):
    """mu(s): maps observations (B, *obs_shape) to actions (B, action_dim).

    Actions are in the environment's units: tanh bounds them (paper, section 7), then each dimension
    is stretched to its [low, high]. Raises ValueError for pictures and for a network without a
    hidden layer.
    """

    scale: Tensor
    center: Tensor

    def __init__(
        self,
        obs_shape: Sequence[int],
        low: Tensor,
        high: Tensor,
        hidden: Sequence[PositiveInt],
        activation: Activation,
        norm: Norm,
        init: Init,
        final_init: Positive | None,
    ) -> None:
        super().__init__()
        obs_dim = _vector_length(obs_shape)
        _require_layers(hidden)
        self.body = nn.Sequential(
            *_input_norm(obs_dim, norm),
            *_hidden_layers(obs_dim, hidden, activation, norm),
        )
        self.final = nn.Linear(hidden[-1], len(low))
        self.register_buffer("scale", (high - low) / 2)
        self.register_buffer("center", (high + low) / 2)
        _initialize(self, self.final, init, final_init)

    def forward(self, obs: Tensor) -> Tensor:
        return self.center + self.scale * torch.tanh(self.final(self.body(obs)))


class HalfRanges(nn.Module):
    """Maps actions (B, action_dim) to half ranges around their centre: [low, high] to [-1, 1].

    It undoes the last step of an `Actor`. A dimension that has no range is mapped to 0.
    """

    scale: Tensor
    center: Tensor

    def __init__(self, low: Tensor, high: Tensor) -> None:
        super().__init__()
        scale = (high - low) / 2
        self.register_buffer("scale", scale.where(scale > 0, 1))
        self.register_buffer("center", (high + low) / 2)

    def forward(self, action: Tensor) -> Tensor:
        return (action - self.center) / self.scale


class Critic(nn.Module):
    """Q(s, a): maps observations (B, *obs_shape) and actions (B, action_dim) to values (B,).

    With more `outputs` than one it maps to (B, outputs), which a head reads (`ddpg.learner.heads`).

    The action joins at hidden layer `action_layer`, counted from 1: 1 is beside the observation
    (TD3), 2 is the paper's choice. It may pass layers for it alone before (`action_hidden`, Keras).
    With `scaled_actions` the layers see it in half ranges around its centre, else in the
    environment's units, which are hard to learn from where the bounds are far from -1..1.
    Batch norm is applied before the action joins and not after it (paper, section 7). Raises
    ValueError for pictures, for a network without a hidden layer and for an `action_layer` beyond
    the last of them.
    """

    def __init__(
        self,
        obs_shape: Sequence[int],
        low: Tensor,
        high: Tensor,
        outputs: int,
        hidden: Sequence[PositiveInt],
        action_layer: PositiveInt,
        action_hidden: Sequence[PositiveInt],
        scaled_actions: bool,
        activation: Activation,
        norm: Norm,
        init: Init,
        final_init: Positive | None,
    ) -> None:
        super().__init__()
        obs_dim = _vector_length(obs_shape)
        _require_layers(hidden)
        if action_layer > len(hidden):
            raise ValueError(
                f"action_layer={action_layer} must be at most {len(hidden)}, "
                "the number of hidden layers"
            )
        before = hidden[: action_layer - 1]
        after = hidden[action_layer - 1 :]
        joint_dim = [obs_dim, *before][-1] + [len(low), *action_hidden][-1]
        joint_norm: Norm = "none" if norm == "batch" else norm
        self.obs_body = nn.Sequential(
            *_input_norm(obs_dim, norm),
            *_hidden_layers(obs_dim, before, activation, norm),
        )
        self.action_body = nn.Sequential(
            *(_half_ranges(low, high) if scaled_actions else []),
            *_hidden_layers(len(low), action_hidden, activation, joint_norm),
        )
        self.joint_body = nn.Sequential(*_hidden_layers(joint_dim, after, activation, joint_norm))
        self.final = nn.Linear(hidden[-1], outputs)
        _initialize(self, self.final, init, final_init)

    def forward(self, obs: Tensor, action: Tensor) -> Tensor:
        features = torch.cat([self.obs_body(obs), self.action_body(action)], dim=1)
        return self.final(self.joint_body(features)).squeeze(-1)


def _require_layers(hidden: Sequence[int]) -> None:
    if not hidden:
        raise ValueError("hidden=[] must have at least one layer")


def _vector_length(obs_shape: Sequence[int]) -> int:
    if len(obs_shape) != 1:
        shape = " x ".join(map(str, obs_shape))
        raise ValueError(
            f"observations of {shape} numbers are pictures: "
            "choose network=pixels, or an environment of numbers (env.pixels=null)"
        )
    return obs_shape[0]


def _hidden_layers(
    in_dim: int,
    hidden: Sequence[int],
    activation: Activation,
    norm: Norm,
) -> list[nn.Module]:
    """List a linear map, a norm (if there is one) and a nonlinearity for every hidden layer."""
    layers: list[nn.Module] = []
    for fan_in, fan_out in pairwise([in_dim, *hidden]):
        layers.append(nn.Linear(fan_in, fan_out))
        layers.extend(_norm(fan_out, norm))
        layers.append(_nonlinearity(activation))
    return layers


def _nonlinearity(activation: Activation) -> nn.Module:
    if activation == "tanh":
        return nn.Tanh()
    # in place, because fresh memory for the output costs more than the ReLU itself
    return nn.ReLU(inplace=True)


def _norm(dim: int, norm: Norm) -> list[nn.Module]:
    if norm == "none":
        return []
    return [nn.BatchNorm1d(dim) if norm == "batch" else nn.LayerNorm(dim)]


def _input_norm(obs_dim: int, norm: Norm) -> list[nn.Module]:
    """List what normalizes the observation itself: batch norm (paper, section 7).

    Layer norm is left out here, because it would erase the scale of the observation.
    """
    return _norm(obs_dim, norm) if norm == "batch" else []


def _half_ranges(low: Tensor, high: Tensor) -> list[nn.Module]:
    """List what maps actions to half ranges: nothing where all bounds are -1 and 1 already."""
    are_scaled = torch.equal(-low, high) and bool((high == 1).all())
    return [] if are_scaled else [HalfRanges(low, high)]


def _initialize(network: nn.Module, final: nn.Linear, init: Init, final_init: float | None) -> None:
    """Draw the initial weights.

    `fan_in` is U(+-1/sqrt(fan_in)) for weights and biases (paper, section 7), which torch has drawn
    already. With `xavier` and `lecun_normal` all biases are 0, as in Keras and flax. With
    `final_init` the output layer is drawn from U(+-final_init), because with small first outputs
    neither tanh nor Q starts saturated.
    """
    for layer in network.modules():
        if isinstance(layer, nn.Linear) and init != "fan_in":
            _initialize_layer(layer, init)
    if final_init is not None:
        nn.init.uniform_(final.weight, -final_init, final_init)
        if init == "fan_in":
            nn.init.uniform_(final.bias, -final_init, final_init)


def _initialize_layer(layer: nn.Linear, init: Literal["xavier", "lecun_normal"]) -> None:
    nn.init.zeros_(layer.bias)
    if init == "xavier":
        nn.init.xavier_uniform_(layer.weight)
    else:  # a variance of 1/fan_in, from a normal that is cut at two standard deviations
        std = layer.in_features**-0.5 / STD_OF_CUT_NORMAL
        nn.init.trunc_normal_(layer.weight, std=std, a=-2 * std, b=2 * std)
