"""Small actors and critics for observations of three numbers and actions of two."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import nn

from ddpg.learner.networks import Actor, Critic

#: The bounds of the actions.
LOW, HIGH = torch.tensor([-3.0, 0.0]), torch.tensor([1.0, 10.0])


def small_actor(hidden: Sequence[int] = (4,), norm: Any = "none", final: float | None = None, **more: Any) -> Actor:
    """Make an actor; its weights are drawn from torch's global generator."""
    settings = {"activation": "relu", "init": "fan_in"} | more
    return Actor((3,), LOW, HIGH, hidden, norm=norm, final_init=final, **settings)


def small_critic(
    hidden: Sequence[int] = (4, 5),
    action_layer: int = 1,
    norm: Any = "none",
    final: float | None = None,
    obs_dim: int = 3,
    low: torch.Tensor = LOW,
    high: torch.Tensor = HIGH,
    **more: Any,
) -> Critic:
    """Make a critic of one value; its weights are drawn from torch's global generator."""
    settings = {"action_hidden": (), "scaled_actions": False, "activation": "relu", "init": "fan_in"} | more
    return Critic((obs_dim,), low, high, 1, hidden, action_layer, norm=norm, final_init=final, **settings)


class Dropping(Actor):
    """Drops observations at random, by draws from torch's global generator."""

    def forward(self, obs: torch.Tensor) -> torch.Tensor:
        return super().forward(torch.nn.functional.dropout(obs, 0.2, training=True))


class Wavy(Actor):
    """Sees the sines of observations."""

    def forward(self, obs: torch.Tensor) -> torch.Tensor:
        return super().forward(torch.sin(obs))


class Tagged(Actor):
    """Stores a text beside its weights."""

    def get_extra_state(self) -> dict[str, str]:
        return {"tag": "first"}

    def set_extra_state(self, state: dict[str, str]) -> None:
        assert state == {"tag": "first"}


class Warp(nn.Module):
    """Scales observations by a factor that is learned."""

    def __init__(self, start: float) -> None:
        super().__init__()
        self.factor = nn.Parameter(torch.full((1,), start))

    def forward(self, obs: torch.Tensor) -> torch.Tensor:
        return self.factor * obs


#: What has no name of its own, by which a policy could say what it is made of.
unnamed_warp = partial(Warp)


class Warped(Actor):
    """Sees observations through a part that its config names, and through one that it makes as its config says."""

    def __init__(self, *, warp: Warp, make_warp: Callable[[], Warp], **actor: Any) -> None:
        super().__init__(**actor)
        self.warps = nn.Sequential(warp, make_warp())

    def forward(self, obs: torch.Tensor) -> torch.Tensor:
        return super().forward(self.warps(obs))


#: The overrides for such an actor.
WARPED = (
    "network.actor._target_=support.networks.Warped",
    "+network.actor.warp={_target_: support.networks.Warp, _args_: [0.5], _convert_: all, _recursive_: false}",
    "+network.actor.make_warp={_target_: support.networks.Warp, start: 2.0, _partial_: true}",
)
#: The overrides for one with a part that has no name.
WITHOUT_NAME = (*WARPED, "network.actor.warp._target_=support.networks.unnamed_warp")
