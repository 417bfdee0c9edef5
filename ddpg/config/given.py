"""What the program itself gives to the constructors that a config names, beside the config's values.

A constructor gets of these what it asks for by name, and nothing else. Configs are checked against
this table, and `ddpg.run.build` gives the values.
"""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from ddpg.config.signature import parameters_of
from ddpg.errors import UserError

#: For each node or group of nodes, the arguments that its constructor may ask for.
GIVEN: dict[str, tuple[str, ...]] = {
    "env": (),
    # of the list env.wrappers
    "wrapper": ("env",),
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

    Raises UserError, which names all nodes that would never be used, or all that are missing.
    """
    target = config["algorithm"]["_target_"]
    parameters = parameters_of(target)
    unused: list[str] = []
    missing: list[str] = []
    taken: list[str] = []
    for group, pattern in (("network", "make_*"), ("optimizer", "*_optimizer")):
        parts = {_part(name, pattern): parameters[name] for name in parameters if fnmatchcase(name, pattern)}
        there = nodes(config[group])
        unused += [f"{group}.{name}" for name in there if name not in parts]
        taken += [f"{group}.{name}" for name in parts]
        needed = [name for name, parameter in parts.items() if parameter.default is parameter.empty]
        missing += [f"{group}.{name}" for name in needed if name not in there]
    if missing:
        raise UserError(f"{_are(missing, 'missing')}: {target} takes {', '.join(taken)}")
    if unused:
        left_out = " ".join(f"~{name}" for name in unused)
        raise UserError(
            f"{', '.join(unused)}: {target} has no use for {'it' if len(unused) == 1 else 'them'} and takes "
            f"{', '.join(taken) or 'no network and no optimizer'}; to leave out: {left_out}"
        )


def _are(names: Sequence[str], state: str) -> str:
    return f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} {state}"


def _part(argument: str, pattern: str) -> str:
    """Give what the star of a pattern stands for in an argument's name."""
    before, _, after = pattern.partition("*")
    return argument.removeprefix(before).removesuffix(after)


def network_argument(name: str) -> str:
    """Name the algorithm's argument that makes the networks of the node network.NAME."""
    return f"make_{name}"


def optimizer_argument(name: str) -> str:
    """Name the algorithm's argument for the node optimizer.NAME, a function of parameters."""
    return f"{name}_optimizer"
