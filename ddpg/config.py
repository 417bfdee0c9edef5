"""Checks a composed config before anything runs: the schema of a node is the signature of what it builds.

`Settings` is the schema of the top level. A node with a `_target_` is held to the parameters of that class or
function: names, types, choices (`Literal`) and ranges (`ddpg.types`). So a class of yours is checked like ours, and no
type or range has a second home.
"""

import difflib
import inspect
import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from hydra.utils import get_object
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ddpg.errors import UserError
from ddpg.types import Count, Fraction, Positive, PositiveInt, Range

_HYDRA_KEYS = {"_target_", "_partial_", "_args_", "_convert_", "_recursive_"}


class Target:
    """Marks a key whose node says itself, by `_target_`, what it builds."""


@dataclass
class ActorCritic:
    """A group with one node for each network."""

    actor: Target
    critic: Target


@dataclass
class Eval:
    every: PositiveInt
    episodes: PositiveInt
    video: bool


@dataclass
class Checkpoint:
    every: PositiveInt


@dataclass
class Settings:
    """The top level of the config; meanings and units stand in conf/config.yaml."""

    env: Target
    algorithm: Target
    network: ActorCritic
    optimizer: ActorCritic
    noise: Target
    replay: Target
    logger: Target
    seed: Count
    total_steps: PositiveInt
    random_steps: Count
    learning_starts: Count
    batch_size: PositiveInt
    buffer_size: PositiveInt
    gamma: Fraction
    tau: Fraction
    updates_per_step: Positive
    policy_delay: PositiveInt
    device: str
    threads: PositiveInt
    eval: Eval
    checkpoint: Checkpoint
    resume: str | None
    extra: Mapping[str, Any]


def _folder_name(text: str) -> str:
    from ddpg.envs import folder_name  # here, for --help needs no simulator

    return folder_name(text)


OmegaConf.register_new_resolver("folder_name", _folder_name, replace=True)


def check(cfg: DictConfig) -> None:
    """Raises UserError, naming key, value, what is allowed and the nearest spelling, at the first thing wrong."""
    missing = sorted(OmegaConf.missing_keys(cfg))
    if missing:
        raise UserError(f"{missing[0]} has no value: set it, {missing[0]}=VALUE")
    try:
        values = OmegaConf.to_container(cfg, resolve=True)
    except OmegaConfBaseException as error:
        raise UserError(str(error).splitlines()[0]) from error
    check_values(values, Settings)


def check_values(values: Any, schema: Any) -> None:
    """The same for plain values and any dataclass or function."""
    _check(values, schema, "")


def nearest(word: str, allowed: Iterable[str], most: int = 12) -> str:
    """The end of a message: the closest of the allowed spellings, else all of them, if not more than `most`."""
    spellings = sorted(allowed)
    close = difflib.get_close_matches(word, spellings, n=1, cutoff=0.5)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; allowed here: {', '.join(spellings)}" if 0 < len(spellings) <= most else ""


def flat_keys(values: Any, prefix: str = "") -> list[str]:
    """All dotted keys of nested mappings."""
    if not isinstance(values, Mapping):
        return []
    here = [f"{prefix}{key}" for key in values]
    return here + [k for key, value in values.items() for k in flat_keys(value, f"{prefix}{key}.")]


def _check(value: Any, hint: Any, key: str) -> None:
    """Holds one value to its type hint."""
    origin, args = get_origin(hint), get_args(hint)
    if hint is Target or (isinstance(value, Mapping) and "_target_" in value):
        _check_target(value, key)
    elif origin is Annotated:
        _check(value, args[0], key)
        for bound in args[1:]:
            if isinstance(bound, Range) and value not in bound:
                raise UserError(f"{key}={value} is out of range: it must be {bound}")
    elif origin in (Union, types.UnionType):
        _check_union(value, args, key)
    elif origin is Literal:
        if value not in args:
            raise UserError(f"{key}={_shown(value)} is none of {', '.join(map(str, args))}{nearest(str(value), map(str, args))}")
    elif is_dataclass(hint):
        _check_mapping(value, hint, key)
    elif origin in (list, tuple, Sequence) or hint in (list, tuple):
        _require(isinstance(value, list), value, key, "a list, as in [1,2]")
        for index, item in enumerate(value):
            _check(item, args[0] if args else Any, f"{key}[{index}]")
    elif origin in (dict, Mapping) or hint is dict:
        _require(isinstance(value, Mapping), value, key, "a mapping, as in {name: value}")
    else:
        _check_scalar(value, hint, key)


def _check_scalar(value: Any, hint: Any, key: str) -> None:
    if hint is bool:
        _require(isinstance(value, bool), value, key, "true or false")
    elif hint is int:
        _require(isinstance(value, int) and not isinstance(value, bool), value, key, "a whole number")
    elif hint is float:
        _require(isinstance(value, int | float) and not isinstance(value, bool), value, key, "a number")
    elif hint is str:
        _require(isinstance(value, str), value, key, "a text")


def _check_union(value: Any, options: Sequence[Any], key: str) -> None:
    """null is allowed if it is an option; otherwise the value must fit one of them, and the last one complains."""
    if value is None and type(None) in options:
        return
    candidates = [option for option in options if option is not type(None)]
    for option in candidates[:-1]:
        try:
            return _check(value, option, key)
        except UserError:
            continue
    _check(value, candidates[-1], key)


def _check_target(node: Any, key: str) -> None:
    _require(isinstance(node, Mapping) and "_target_" in node, node, key, "a group option with a _target_")
    try:
        target = get_object(node["_target_"])
    except Exception as error:  # an own module can fail in any way while it is imported
        reason = str(error).splitlines()[0]
        raise UserError(f"{key}._target_={node['_target_']} cannot be imported: {reason}") from error
    _check_mapping({k: v for k, v in node.items() if k not in _HYDRA_KEYS}, target, key)


def _check_mapping(values: Any, schema: Any, key: str) -> None:
    """Holds a mapping to the parameters of a class or function."""
    _require(isinstance(values, Mapping), values, key, "a group of keys")
    parameters = inspect.signature(schema).parameters
    hints = get_type_hints(schema.__init__ if inspect.isclass(schema) else schema, include_extras=True)
    free = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
    prefix = f"{key}." if key else ""
    for name, value in values.items():
        if name not in parameters and not free:
            raise UserError(f"{prefix}{name}={_shown(value)}: there is no such key{nearest(name, parameters)}")
        _check(value, hints.get(name, Any), f"{prefix}{name}")
    if is_dataclass(schema):  # elsewhere the rest is given when building
        for name in parameters:
            if name not in values and parameters[name].default is inspect.Parameter.empty:
                raise UserError(f"{prefix}{name} is missing")


def _require(fits: bool, value: Any, key: str, what: str) -> None:
    if not fits:
        raise UserError(f"{key}={_shown(value)} must be {what}")


def _shown(value: Any) -> str:
    return "null" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
