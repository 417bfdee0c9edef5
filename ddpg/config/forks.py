"""Which values of a run a fork may change: those that the state, which it copies, was not made with."""

from collections.abc import Mapping
from typing import Annotated, Any, get_origin

from ddpg.config.targets import imported
from ddpg.constructors import hints
from ddpg.ranges import Lasting

#: Keys that the weights of the networks were made with.
OF_WEIGHTS = ("network", "dtype")


def may_fork(key: str, config: Mapping[str, Any]) -> bool:
    """Whether a fork of a run with this config may have another value of a dotted key.

    It may not choose other options of groups or other classes, other networks or another number format, or another
    value of a parameter that a constructor has marked as `Lasting`.
    """
    *above, name = key.split(".")
    is_group = key in config.get("choices", {}) or (not above and isinstance(config.get(key), Mapping))
    if is_group or name.startswith("_") or key.split(".")[0] in OF_WEIGHTS:
        return False
    node: Any = config
    for part in above:
        node = node.get(part) if isinstance(node, Mapping) else None
    return not (isinstance(node, Mapping) and "_target_" in node and _is_lasting(node["_target_"], name))


def _is_lasting(target: str, parameter: str) -> bool:
    """Whether a class or function has marked a parameter."""
    hint: Any = hints(imported(target, "_target_")).get(parameter)
    return get_origin(hint) is Annotated and any(isinstance(mark, Lasting) for mark in hint.__metadata__)
