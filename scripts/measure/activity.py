"""Sets the share of a network's hidden units that are active; behind their ReLUs the others give zero."""

from typing import Any

import torch
from torch import Tensor, nn

from ddpg.learner.agent import DDPG
from ddpg.learner.batch import Batch


def activate(agent: DDPG, batch: Batch, share: float) -> None:
    """Move the biases of all four networks so that each hidden unit is active for `share` of the minibatch."""
    for network in (agent.actor, agent.actor_target):
        _activate_network(network, share, batch.obs)
    for network in (agent.critic, agent.critic_target):
        _activate_network(network, share, batch.obs, batch.action)


@torch.no_grad()
def _activate_network(network: nn.Module, share: float, *inputs: Tensor) -> None:
    before: nn.Module | None = None
    for module in network.modules():
        if isinstance(module, nn.ReLU):
            assert isinstance(before, nn.Linear)
            before.bias.sub_(_input_of(module, network, *inputs).quantile(1 - share, dim=0))
        before = module


def _input_of(module: nn.Module, network: nn.Module, *inputs: Tensor) -> Tensor:
    """Return the input of a module, (N, units), when the network is called with these inputs."""
    found: list[Tensor] = []

    def keep(module: nn.Module, arguments: tuple[Any, ...]) -> None:
        found.append(arguments[0].clone())  # the module may work in place

    hook = module.register_forward_pre_hook(keep)
    network(*inputs)
    hook.remove()
    return found[0]
