"""Networks of which a given share is at work: the rest of the hidden numbers is zero, behind ReLUs."""

from typing import Any

import torch
from torch import Tensor, nn

from ddpg.learner.agent import DDPG
from ddpg.learner.batch import Batch


def put_to_work(agent: DDPG, batch: Batch, share: float) -> None:
    """Moves the biases so that every hidden unit passes that share of the minibatch on, in all four networks."""
    for network in (agent.actor, agent.actor_target):
        _pass_on(network, share, batch.obs)
    for network in (agent.critic, agent.critic_target):
        _pass_on(network, share, batch.obs, batch.action)


@torch.no_grad()
def _pass_on(network: nn.Module, share: float, *inputs: Tensor) -> None:
    before: nn.Module | None = None
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            assert isinstance(before, nn.Linear)
            before.bias.sub_(_reaches(module, network, *inputs).quantile(1 - share, dim=0))
        before = module


def _reaches(module: nn.Module, network: nn.Module, *inputs: Tensor) -> Tensor:
    """What the module gets when the network gets these inputs, (N, units)."""
    found: list[Tensor] = []

    def look(module: nn.Module, given: tuple[Any, ...]) -> None:
        found.append(given[0].clone())  # the module may work in place

    hook = module.register_forward_pre_hook(look)
    network(*inputs)
    hook.remove()
    return found[0]
