"""The format safetensors: the network is built from its description, and gets the stored weights."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import nn

from ddpg.constructors import parameters
from ddpg.errors import UserError, typed_line
from ddpg.learner import networks
from ddpg.policies.actors import policy_of
from ddpg.policies.description import FILE, PACKAGE_NETWORKS, Description, full_name
from ddpg.policies.policy import Policy

#: What Hydra reads in a node, beside the arguments. A run gives `_convert_` and `_recursive_` values of its own.
HYDRA_KEYS = ("_target_", "_args_", "_partial_", "_convert_", "_recursive_")


def weights_policy(
    content: bytes, description: Description, folder: Path, classes: Sequence[Callable[..., Any]]
) -> Policy:
    """Make a policy of the content of policy.safetensors.

    Raises UserError for a class that is neither this package's nor among `classes`, and for weights of another network.
    """
    actor = _build(description, folder, classes)
    try:
        actor.load_state_dict(safetensors.torch.load(content))
    except (SafetensorError, RuntimeError) as error:
        raise UserError(
            f"{folder}: its weights are not those of its network: they are of another one, or damaged"
        ) from error
    return policy_of(actor, description, "safetensors")


def _build(description: Description, folder: Path, classes: Sequence[Callable[..., Any]]) -> nn.Module:
    """Make the network that the description names; torch's generator is afterwards as it was."""
    network = description.network
    low, high = description.action.bounds()
    shape = list(description.observation.shape)
    offered = {
        "obs_shape": shape,
        "low": torch.from_numpy(low),
        "high": torch.from_numpy(high),
        "action_dim": len(low),
        "outputs": 1,
    }
    find = partial(_constructor, folder=folder, classes=classes)
    try:
        with torch.random.fork_rng(devices=[]):
            actor = _made({**network.arguments, "_target_": network.target}, offered, find)
            actor = actor.to(getattr(torch, network.dtype))
            if network.normalize_obs is None:
                return actor
            return networks.Normalized(networks.RunningNorm(shape, network.normalize_obs), actor)
    except UserError:
        raise
    except Exception as error:  # a user's class can fail in any way
        raise UserError(
            f"{folder}: {network.target} cannot be made with the arguments in {FILE}: {typed_line(error)}"
        ) from error


def _made(node: Mapping[str, Any], offered: Mapping[str, Any], find: Callable[[str], Callable[..., Any]]) -> Any:
    """Make what the `_target_` of a node names, after the nodes within, as a run does of its config."""
    values = {
        name: _made(value, {}, find) if isinstance(value, Mapping) and "_target_" in value else value
        for name, value in node.items()
        if name not in HYDRA_KEYS
    }
    make = find(node["_target_"])
    asked = {name: value for name, value in offered.items() if name in parameters(make)[0]}
    made = partial(make, *node.get("_args_", ()), **values, **asked)
    return made if node.get("_partial_") else made()


def _constructor(target: str, folder: Path, classes: Sequence[Callable[..., Any]]) -> Callable[..., Any]:
    """Find the class in what may be built; nothing is imported that a file names."""
    if target in PACKAGE_NETWORKS:
        return getattr(networks, target.rpartition(".")[2])
    for own in classes:
        if full_name(own, "classes") == target:
            return own
    raise UserError(
        f"{folder}: its network needs {target}, which is not of this package: give the class, as in "
        f"load_policy(..., classes=[{target.rpartition('.')[2]}]), or load onnx or pt2"
    )
