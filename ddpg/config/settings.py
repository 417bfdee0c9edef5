"""Checks a composed config before anything runs: the schema of a node is the signature of what it builds.

`Settings` is the schema of the top level. A node with a `_target_` is held to the parameters of that class or
function (`ddpg.config.signature`). So a class of yours is checked like ours, and no type or range has a second home.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, ClassVar, Literal

import yaml
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ddpg.config.given import GIVEN, require_parts_that_fit
from ddpg.config.signature import Target, fit
from ddpg.errors import UserError
from ddpg.ranges import Count, Fraction, Positive, PositiveInt

Node = Mapping[str, Any]

#: What may differ when a run goes on: how long, where and how it is watched; never what is learned.
MAY_CHANGE = ("total_steps", "eval", "checkpoint", "logger", "device", "threads", "compile", "extra", "resume")


@dataclass
class Networks:
    """The group `network`: the actor, which evaluations run, and whatever else the algorithm learns."""

    OTHERS: ClassVar = Annotated[Node, Target(*GIVEN["network"])]

    actor: Annotated[Node, Target(*GIVEN["network"])]
    normalize_obs: Positive | None


@dataclass
class Optimizers:
    """The group `optimizer`: one for each part of the algorithm that has parameters of its own."""

    OTHERS: ClassVar = Annotated[Node, Target(*GIVEN["optimizer"])]


@dataclass
class Eval:
    every: PositiveInt
    episodes: PositiveInt
    video: bool


@dataclass
class Checkpoint:
    every: PositiveInt
    keep_replay: bool


@dataclass
class Settings:
    """The top level of the config; meanings and units stand in conf/config.yaml, what gives them in run/build.py."""

    seed: Count
    total_steps: PositiveInt
    random_steps: Count
    learning_starts: Count
    batch_size: PositiveInt
    buffer_size: PositiveInt
    gamma: Fraction
    tau: Fraction
    updates_per_step: Positive
    update_every: PositiveInt | Literal["episode"]
    dtype: Literal["float32", "float64"]
    device: str
    threads: PositiveInt
    compile: bool | Literal["auto"]
    eval: Eval
    checkpoint: Checkpoint
    resume: str | None
    extra: Mapping[str, Any]
    env: Annotated[Node, Target(*GIVEN["env"])]
    network: Networks
    optimizer: Optimizers
    algorithm: Annotated[Node, Target(*GIVEN["algorithm"])]
    noise: Annotated[Node, Target(*GIVEN["noise"])]
    replay: Annotated[Node, Target(*GIVEN["replay"])]
    logger: Annotated[Node, Target(*GIVEN["logger"])]


def _folder_name(text: str) -> str:
    from ddpg.envs import folder_name  # here, for --help needs no simulator

    return folder_name(text)


@cache
def _rl_zoo_rows() -> Any:
    return OmegaConf.to_container(OmegaConf.create(files("ddpg.conf").joinpath("rl_zoo.yaml").read_text("utf-8")))


def _rl_zoo(env_id: str, key: str) -> Any:
    """RL Zoo's number for an environment, as preset=sb3 asks for it."""
    rows = _rl_zoo_rows()
    return (rows["default"] | rows.get(env_id, {}))[key]


OmegaConf.register_new_resolver("folder_name", _folder_name, replace=True)
OmegaConf.register_new_resolver("rl_zoo", _rl_zoo, replace=True)


def check(cfg: DictConfig | ListConfig) -> DictConfig:
    """The config with nothing left to resolve and every number of the type that is asked for.

    Raises UserError, naming key, value, what is allowed and the nearest spelling, at the first thing wrong.
    """
    resolved = OmegaConf.create(values(cfg))
    try:
        OmegaConf.resolve(resolved)  # nothing that is read from RUN/config.yaml may look like an interpolation
    except OmegaConfBaseException as error:
        raise UserError(told(error)) from error
    return resolved


def values(cfg: Any) -> dict[str, Any]:
    """`check`, in plain dicts and lists; a hydra node is left out."""
    keys = [str(key) for key in cfg if key != "hydra"]
    try:
        parts = {key: "???" if OmegaConf.is_missing(cfg, key) else cfg[key] for key in keys}
        plain = {k: OmegaConf.to_container(v, resolve=True) if OmegaConf.is_config(v) else v for k, v in parts.items()}
    except OmegaConfBaseException as error:
        unresolved: Any = OmegaConf.to_container(cfg)
        _require_complete({key: unresolved[key] for key in keys})  # which may be why
        raise UserError(told(error)) from error
    _require_complete(plain)
    fitted = fit(plain, Settings)
    require_parts_that_fit(fitted)
    return fitted


def plain(cfg: DictConfig) -> dict[str, Any]:
    """The config in plain dicts and lists, with nothing left to resolve."""
    values: Any = OmegaConf.to_container(cfg, resolve=True)
    return values


def _require_complete(values: Any) -> None:
    """UserError for a key that still waits for its value."""
    missing = [key for key, value in flat(values).items() if value == "???"]
    if missing:
        raise UserError(f"{missing[0]} has no value: set it, {missing[0]}=VALUE")


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # six times faster than OmegaConf's
    """Quotes a text that OmegaConf would read as a number, such as 1e-3."""

    def represent_text(self, text: str) -> yaml.Node:
        return self.represent_scalar("tag:yaml.org,2002:str", text, style="'" if _is_number(text) else None)


_Dumper.add_representer(str, _Dumper.represent_text)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def to_yaml(values: Mapping[str, Any]) -> str:
    """Plain values as the text of a config.yaml."""
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def told(error: OmegaConfBaseException) -> str:
    """OmegaConf's message as one line, the key first."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return f"{error.full_key}: {text}" if error.full_key and error.full_key not in text else text


def flat(values: Any, prefix: str = "") -> dict[str, Any]:
    """Nested mappings as one, with dotted keys; the mappings themselves are among the values."""
    if not isinstance(values, Mapping):
        return {}
    here = {f"{prefix}{key}": value for key, value in values.items()}
    return here | {k: v for key, value in values.items() for k, v in flat(value, f"{prefix}{key}.").items()}


def science(values: Mapping[str, Any]) -> dict[str, Any]:
    """What the seeds of one configuration have in common: all but the seed and what MAY_CHANGE."""
    return {key: value for key, value in values.items() if key not in (*MAY_CHANGE, "seed")}


def group(values: Mapping[str, Any]) -> str:
    """Eight hex digits that name a configuration: equal for its seeds."""
    return hashlib.sha256(json.dumps(science(values), sort_keys=True).encode()).hexdigest()[:8]
