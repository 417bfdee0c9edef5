"""What the program itself gives to the constructors that a config names, beside the config's values.

A constructor gets of these what it asks for by name, and nothing else. Configs are checked against
this table, and `ddpg.run.build` gives the values.
"""

from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import Any

from ddpg.config.signature import parameters_of
from ddpg.errors import UserError

#: For each node or group of nodes, the arguments that its constructor may ask for.
GIVEN: dict[str, tuple[str, ...]] = {
    "env": (),
    "logger": (),
    # make_NAME makes the network of the node network.NAME, NAME_optimizer comes from optimizer.NAME
    "algorithm": ("low", "high", "generator", "tau", "make_*", "*_optimizer"),
    # outputs comes from the algorithm
    "network": ("obs_shape", "low", "high", "action_dim", "outputs"),
    "optimizer": ("params",),
    "noise": ("actor", "action_scale", "rng"),
    "replay": ("gamma", "buffer_size", "obs_shape", "obs_dtype", "action_dim", "rng", "device", "dtype"),
}


def asked(target: str, values: Mapping[str, Any]) -> dict[str, Any]:
    """Choose of the program's values those that a constructor asks for by name."""
    parameters = parameters_of(target)
    return {name: value for name, value in values.items() if name in parameters}


def nodes(group: Mapping[str, Any]) -> list[str]:
    """List the names of a group's entries that are nodes: `actor` and `critic` of the group network."""
    return [name for name, node in group.items() if isinstance(node, Mapping) and "_target_" in node]


def require_parts_that_fit(config: Mapping[str, Any]) -> None:
    """Check that the algorithm takes each network and optimizer of the config, and has what it needs.

    Raises UserError, which names the node, for one that would never be used, and for one that is missing.
    """
    for group, pattern in (("network", "make_*"), ("optimizer", "*_optimizer")):
        target = config["algorithm"]["_target_"]
        parameters = parameters_of(target)
        taken = {_part(name, pattern): parameters[name] for name in parameters if fnmatchcase(name, pattern)}
        there = nodes(config[group])
        for name in there:
            if name not in taken:
                allowed = _listed(group, taken) or f"no {group}"
                raise UserError(f"{group}.{name}: {target} has no use for it; it takes {allowed}")
        for name, parameter in taken.items():
            if name not in there and parameter.default is parameter.empty:
                raise UserError(f"{group}.{name} is missing: {target} needs {_listed(group, taken)}")


def _part(argument: str, pattern: str) -> str:
    """Give what the star of a pattern stands for in an argument's name."""
    before, _, after = pattern.partition("*")
    return argument.removeprefix(before).removesuffix(after)


def _listed(group: str, names: Iterable[str]) -> str:
    return ", ".join(f"{group}.{name}" for name in names)


def network_argument(name: str) -> str:
    """Name the algorithm's argument that makes the networks of the node network.NAME."""
    return f"make_{name}"


def optimizer_argument(name: str) -> str:
    """Name the algorithm's argument for the node optimizer.NAME, a function of parameters."""
    return f"{name}_optimizer"
