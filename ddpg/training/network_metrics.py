"""The health of networks on a minibatch: saturated actions, dead units, norms of gradients."""

from typing import Any

import torch
from torch import Tensor, nn

from ddpg.learner.batch import Batch
from ddpg.learner.protocol import Agent
from ddpg.training.returned import as_losses

#: An action component this close to a bound, in units of half the action range, is saturated.
_AT_BOUND = 0.01


def network_metrics(agent: Agent, batch: Batch, low: Tensor, high: Tensor) -> dict[str, float]:
    """Measure an agent's networks on a minibatch; nothing of the agent changes.

    `low` and `high`, (action_dim,), are the bounds of actions.
    """
    metrics: dict[str, float] = {}
    inputs = {"actor": (batch.obs,), "critic": (batch.obs, batch.action)}
    for name, network in agent.networks.items():
        if name not in inputs:
            continue  # because nothing says what another network takes
        with torch.no_grad():
            output, dead = _watched(network, *inputs[name])
        if name == "actor":
            metrics["diagnostics/saturated_actions"] = _saturated(output, low, high)
        if len(dead):
            metrics[f"diagnostics/{name}_dead_units"] = float(dead.float().mean())
    for name, loss in as_losses(agent, agent.losses(batch)).items():
        metrics[f"diagnostics/{name}_grad_norm"] = _grad_norm(loss, agent.networks[name])
    return metrics


def _saturated(action: Tensor, low: Tensor, high: Tensor) -> float:
    """Return the share of action components that are at a bound."""
    low = low.to(action)
    high = high.to(action)
    margin = _AT_BOUND * (high - low) / 2
    saturated = (action <= low + margin) | (action >= high - margin)
    return float(saturated.float().mean())


def _watched(network: nn.Module, *inputs: Tensor) -> tuple[Any, Tensor]:
    """Return the network's output, and which of its ReLU units are 0 for the whole minibatch.

    The latter is boolean, (units,); a unit of a convolution is a channel.
    """
    dead = [torch.zeros(0, dtype=torch.bool, device=inputs[0].device)]

    def watch(module: nn.Module, args: Any, output: Tensor) -> None:
        # computed at once, because the next layer may work in place
        dead.append((output == 0).transpose(0, 1).flatten(1).all(dim=1))

    relus = [module for module in network.modules() if isinstance(module, nn.ReLU)]
    hooks = [relu.register_forward_hook(watch) for relu in relus]
    try:
        return network(*inputs), torch.cat(dead)
    finally:
        for hook in hooks:
            hook.remove()


def _grad_norm(loss: Tensor, network: nn.Module) -> float:
    """Return the L2 norm of the gradient over all parameters, before clipping; `.grad` stays.

    It is 0 where the loss depends on none of them.
    """
    params = [param for param in network.parameters() if param.requires_grad]
    grads = torch.autograd.grad(loss, params, allow_unused=True) if params else ()
    norms = [grad.norm() for grad in grads if grad is not None]
    return float(torch.stack(norms).norm()) if norms else 0.0
