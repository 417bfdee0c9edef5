"""Agents of one-unit networks, whose updates can be computed by hand, and the comparison of agents."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from support.batches import TWO, random_batch
from torch import Tensor, nn

from ddpg.learner.agent import DDPG
from ddpg.learner.heads import Scalar
from ddpg.learner.networks import observe, running_norms

SGD = partial(torch.optim.SGD, lr=0.1)


class Mu(nn.Module):
    """mu(s) = w s."""

    def __init__(self) -> None:
        super().__init__()
        self.w = nn.Parameter(torch.tensor([0.5]))

    def forward(self, obs: Tensor) -> Tensor:
        return self.w * obs


class Q(nn.Module):
    """Q(s, a) = ws s + wa a + b."""

    def __init__(self, ws: float = 1.0, wa: float = 2.0, b: float = 0.0) -> None:
        super().__init__()
        self.ws, self.wa, self.b = (nn.Parameter(torch.tensor([float(x)])) for x in (ws, wa, b))

    def forward(self, obs: Tensor, action: Tensor) -> Tensor:
        return (self.ws * obs + self.wa * action + self.b).squeeze(-1)


def agent_of(actor: nn.Module | None = None, *critics: nn.Module, **changes: Any) -> DDPG:
    """Make an agent of these networks, by default of `Mu` and one `Q`; `changes` are of its other arguments."""
    settings = {
        "tau": 0.5, "head": Scalar(), "n_critics": max(1, len(critics)),
        "target_reduce": "min", "actor_reduce": "first",
        "target_noise": 0.0, "target_noise_clip": 0.5, "actor_first": False,
        "policy_delay": 1, "target_delay": changes.get("policy_delay", 1),
        "reward_scale": 1.0, "max_grad_norm": None,
        "low": torch.tensor([-3.0]), "high": torch.tensor([1.0]), "generator": torch.Generator().manual_seed(0),
        "actor_optimizer": SGD, "critic_optimizer": SGD,
    } | changes  # fmt: skip
    stock = iter(critics or [Q()])
    return DDPG(make_actor=lambda: actor or Mu(), make_critic=lambda outputs: next(stock), **settings)


def observed(agent: DDPG, obs: np.ndarray) -> None:
    """Let an agent's normalizations, if it has any, learn from an observation, as the trainer does."""
    observe(running_norms(*agent.networks.values()), obs)


def copied(module: nn.Module) -> dict[str, Tensor]:
    """Copy the state of a module."""
    return {name: value.clone() for name, value in module.state_dict().items()}


def equal(module: nn.Module, state: dict[str, Tensor]) -> bool:
    """Whether a module is in this state, to the last bit."""
    return all(torch.equal(value, state[name]) for name, value in module.state_dict().items())


def order_of_calls(agent: DDPG, monkeypatch: pytest.MonkeyPatch, updates: int) -> list[tuple[str, int]]:
    """List which part was updated in which update, in order."""
    calls: list[tuple[str, int]] = []

    def spied(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def _call(*args: Any) -> Any:
            calls.append((name, agent.updates))
            return original(*args)

        return _call

    for name in ("critic", "actor", "targets"):
        monkeypatch.setattr(agent, f"update_{name}", spied(name, getattr(agent, f"update_{name}")))
    for _ in range(updates):
        agent.update(TWO)
    return calls


def assert_goes_on(straight: DDPG, half: DDPG, resumed: DDPG) -> None:
    """Update `straight` six times, and `half`, which starts alike, three times; `resumed` takes over from `half`."""
    for seed in range(3):
        straight.update(random_batch(seed))
        half.update(random_batch(seed))
    resumed.load_state_dict(half.state_dict())
    for seed in range(3, 6):
        straight.update(random_batch(seed))
        resumed.update(random_batch(seed))
    for name in ("actor", "critic", "actor_target", "critic_target"):
        assert equal(getattr(resumed, name), getattr(straight, name).state_dict()), name
