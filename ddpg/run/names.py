"""The names of what an actor is made of, by which a stored policy is described, and found to be built again."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from ddpg.config.given import nodes
from ddpg.config.targets import imported
from ddpg.errors import UserError
from ddpg.policies.description import full_name


def constructors_with_names(node: Mapping[str, Any], key: str) -> list[Callable[..., Any]]:
    """List what a node and the nodes within it name; raise UserError for what has no full name."""
    path = f"{key}._target_"
    constructor = imported(node["_target_"], path)
    full_name(constructor, f"{path}={node['_target_']}")
    within = [found for name in nodes(node) for found in constructors_with_names(node[name], f"{key}.{name}")]
    return [constructor, *within]


def with_full_names(node: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return a node with full names instead of those of the config, also in the nodes within.

    What has no full name keeps that of the config: a run is refused for it today, but an older one can have it.
    """
    within = {name: with_full_names(node[name], f"{key}.{name}") for name in nodes(node)}
    target = node["_target_"]
    path = f"{key}._target_"
    constructor = imported(target, path)
    with suppress(UserError):
        target = full_name(constructor, path)
    return {**node, **within, "_target_": target}
