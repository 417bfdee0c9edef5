"""Checks a composed config before anything runs: the schema of a node is the signature of what it builds.

`Settings` is the schema of the top level. A node with a `_target_` is held to the parameters of that class or
function (`ddpg.signature`). So a class of yours is checked like ours, and no type or range has a second home.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ddpg.errors import UserError
from ddpg.signature import Target, fit
from ddpg.types import Count, Fraction, Positive, PositiveInt

Node = Mapping[str, Any]

#: What may differ when a run goes on: how long, where and how it is watched; never what is learned.
MAY_CHANGE = ("total_steps", "eval", "checkpoint", "logger", "device", "threads", "resume")


@dataclass
class Networks:
    """The group `network`."""

    actor: Annotated[Node, Target("obs_shape", "low", "high")]
    critic: Annotated[Node, Target("obs_shape", "action_dim")]
    normalize_obs: Positive | None


@dataclass
class Optimizers:
    """The group `optimizer`."""

    actor: Annotated[Node, Target("params")]
    critic: Annotated[Node, Target("params")]


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
    """The top level of the config; meanings and units stand in conf/config.yaml, who gives what in ddpg/build.py."""

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
    eval: Eval
    checkpoint: Checkpoint
    resume: str | None
    extra: Mapping[str, Any]
    env: Annotated[Node, Target()]
    algorithm: Annotated[
        Node,
        Target("actor", "make_critic", "low", "high", "generator", "actor_optimizer", "critic_optimizer", "tau"),
    ]
    network: Networks
    optimizer: Optimizers
    noise: Annotated[Node, Target("actor", "action_scale", "rng")]
    replay: Annotated[
        Node, Target("gamma", "buffer_size", "obs_shape", "obs_dtype", "action_dim", "rng", "device", "dtype")
    ]
    logger: Annotated[Node, Target()]


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
    try:
        raw = OmegaConf.to_container(cfg)
        missing = [key for key, value in flat(raw).items() if value == "???"]
        if missing:
            raise UserError(f"{missing[0]} has no value: set it, {missing[0]}=VALUE")
        resolved = OmegaConf.create(fit(OmegaConf.to_container(cfg, resolve=True), Settings))
        OmegaConf.resolve(resolved)  # nothing that is read from RUN/config.yaml may look like an interpolation
    except OmegaConfBaseException as error:
        raise UserError(told(error)) from error
    return resolved


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
    """What the seeds of one configuration have in common: all but the seed, notes and what MAY_CHANGE."""
    return {key: value for key, value in values.items() if key not in (*MAY_CHANGE, "seed", "extra")}


def group(values: Mapping[str, Any]) -> str:
    """Eight hex digits that name a configuration: equal for its seeds."""
    return hashlib.sha256(json.dumps(science(values), sort_keys=True).encode()).hexdigest()[:8]
