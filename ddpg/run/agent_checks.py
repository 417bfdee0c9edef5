"""What the rest of the program relies on in an algorithm, checked when it is built and not hours later."""

import copy
from collections.abc import Mapping
from typing import Any

from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from ddpg.errors import UserError, typed_line
from ddpg.learner.protocol import Agent, WithCritic
from ddpg.run.contracts import require_contract


def require_agent(agent: Agent, actor: nn.Module, node: Mapping[str, Any]) -> None:
    """Check the networks of an agent that the node `algorithm` has built.

    `actor` is one of the node `network.actor`, as it is made when a stored policy is loaded. Raises UserError if the
    agent has no actor or another one, has a critic but no values, or does not bring back its networks from its state.
    """
    kind = f"algorithm._target_={node['_target_']}"
    if "critic" in agent.networks:
        require_contract(agent, WithCritic, node, "algorithm")
    if "actor" not in agent.networks:
        raise UserError(f"{kind}: its networks have no actor, which acts")
    _require_same_module(agent.networks["actor"], actor, kind)
    _require_restored(agent, kind)


def _require_same_module(actor: nn.Module, expected: nn.Module, kind: str) -> None:
    """Raise UserError if a stored actor would not be the policy that acts, or could not be loaded."""
    found = _form(actor)
    made = _form(expected)
    if found != made:
        other = next(name for name in [*found, *made] if found.get(name) != made.get(name))
        place = f"{other}: " if other else ""
        raise UserError(
            f"{kind}: its networks['actor'] is not what network.actor makes ({place}{found.get(other, 'nothing')}, "
            f"expected {made.get(other, 'nothing')}), so a stored policy could not be loaded; make a class of what "
            "acts, and name it in network.actor._target_"
        )


def _form(network: nn.Module) -> dict[str, str]:
    """Return the classes of a network and its modules, and the shapes of its tensors, by name."""
    classes = {name: type(module).__qualname__ for name, module in network.named_modules()}
    return classes | {name: f"of shape {tuple(tensor.shape)}" for name, tensor in _tensors(network).items()}


def _tensors(network: nn.Module) -> dict[str, Tensor]:
    """Return the parameters and buffers that are stored, by name, but no lazy ones that have had no input yet."""
    state = network.state_dict()  # in which modules can also keep anything else (get_extra_state)
    return {name: value for name, value in state.items() if isinstance(value, Tensor) and not is_lazy(value)}


def _require_restored(agent: Agent, kind: str) -> None:
    """Raise UserError if a resume would lose a network: change all, and take the state back as a resume does."""
    before = {name: copy.deepcopy(_tensors(network)) for name, network in agent.networks.items()}
    state = copy.deepcopy(agent.state_dict())
    for network in agent.networks.values():
        for param in network.parameters():
            if param.is_floating_point() and not is_lazy(param):
                param.data.add_(1)
    try:
        agent.load_state_dict(state)
    except Exception as error:
        raise UserError(f"{kind}: load_state_dict fails for what state_dict returned: {typed_line(error)}") from error
    for name, network in agent.networks.items():
        restored = _tensors(network)
        if not all(_is_same(tensor, restored[key]) for key, tensor in before[name].items()):
            raise UserError(
                f"{kind}: state_dict and load_state_dict do not bring back networks['{name}'], so a resume would lose "
                "it; a class that derives from DDPG adds it to parts()"
            )


def _is_same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors hold the same numbers, of which some may be NaN."""
    return one.shape == other.shape and bool(((one == other) | (one.isnan() & other.isnan())).all())
