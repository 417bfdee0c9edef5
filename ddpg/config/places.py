"""Whether the schema has a place for a key that a composed config does not list.

Hydra refuses such a key. Here the signature is the schema, and it may have one: in a dictionary whose keys are free,
such as `extra` and `env.kwargs`, or as a parameter of a user's class that has a default.
"""

from collections.abc import Mapping
from dataclasses import is_dataclass
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ddpg.config.settings import Settings
from ddpg.config.signature import Target
from ddpg.config.targets import imported
from ddpg.constructors import hints, is_ours, parameters
from ddpg.errors import UserError


def has_place(config: DictConfig, key: str) -> bool:
    """Whether the schema has a place for a dotted key that is not in a config.

    Below a `_target_` that cannot be imported every key has one, so that the target is what a message is about. There
    is none for another network or optimizer, because a name that is misspelled looks like a new one, and none in the
    classes of this package, of which the YAML lists all keys that have an effect.

    Args:
        config: a composed config with its node `hydra`.
        key: as in `env.kwargs.gravity`.
    """
    first, *below = key.split(".")
    if first == "hydra":
        return bool(below) and _has_place(config["hydra"], Any, below)
    return _has_place(config, Settings, [first, *below])


def _has_place(node: Any, hint: Any, parts: list[str]) -> bool:
    name, *below = parts
    try:
        named, is_free = _schema(node, hint)
    except UserError:
        return True
    if name not in named:
        return is_free
    return _has_place(_child(node, name), named[name], below) if below else _is_own(node)


def _is_own(node: Any) -> bool:
    """Whether a node names a class or function of a user."""
    return isinstance(node, DictConfig) and "_target_" in node and not is_ours(str(node["_target_"]))


def _schema(node: Any, hint: Any) -> tuple[Mapping[str, Any], bool]:
    """Return the hint of each key that a node takes by name, and whether it takes any other."""
    kind = OmegaConf.get_type(node) if isinstance(node, DictConfig) else None
    if is_dataclass(kind):
        return _fields(kind, node), False
    if isinstance(node, DictConfig) and "_target_" in node:
        target = imported(node["_target_"], "_target_")
        known, is_free = parameters(target)
        return {name: hints(target).get(name, Any) for name in known}, is_free
    alternatives = get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)
    for alternative in alternatives:
        if isinstance(alternative, type) and is_dataclass(alternative):
            return _fields(alternative, node), False
    return {}, any(alternative is Any or _is_mapping(alternative) for alternative in alternatives)


def _fields(schema: Any, node: Any) -> Mapping[str, Any]:
    """Return the hint of each key of a dataclass; where it takes others, they are those that the node has already."""
    takes_others = isinstance(node, DictConfig) and hasattr(schema, "OTHERS")
    return (dict.fromkeys(map(str, node), schema.OTHERS) if takes_others else {}) | hints(schema)


def _is_mapping(hint: Any) -> bool:
    """Whether a hint is that of a dictionary with free keys; a node with a `_target_` is none."""
    if get_origin(hint) is Annotated:
        base, *marks = get_args(hint)
        return _is_mapping(base) and not any(isinstance(mark, Target) for mark in marks)
    return hint in (dict, Mapping) or get_origin(hint) in (dict, Mapping)


def _child(node: Any, name: str) -> Any:
    try:
        return node[name] if isinstance(node, DictConfig) and name in node else None
    except OmegaConfBaseException:  # an interpolation of something that is not there
        return None
