"""Checks a composed config before anything runs: the schema of a node is the signature of what it builds.

`Settings` is the schema of the top level. A node with a `_target_` is held to the parameters of that class or
function (`ddpg.signature`). So a class of yours is checked like ours, and no type or range has a second home.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ddpg.errors import UserError
from ddpg.signature import Target, fit
from ddpg.types import Count, Fraction, Positive, PositiveInt

Node = Mapping[str, Any]


@dataclass
class Networks:
    """The group `network`."""

    actor: Annotated[Node, Target("obs_dim", "low", "high")]
    critic: Annotated[Node, Target("obs_dim", "action_dim")]


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
    policy_delay: PositiveInt
    device: str
    threads: PositiveInt
    eval: Eval
    checkpoint: Checkpoint
    resume: str | None
    extra: Mapping[str, Any]
    env: Annotated[Node, Target()]
    algorithm: Annotated[
        Node, Target("actor", "critic", "actor_optimizer", "critic_optimizer", "gamma", "tau", "policy_delay")
    ]
    network: Networks
    optimizer: Optimizers
    noise: Annotated[Node, Target("action_scale", "rng")]
    replay: Annotated[Node, Target("buffer_size", "obs_dim", "action_dim", "rng", "device")]
    logger: Annotated[Node, Target()]


def _folder_name(text: str) -> str:
    from ddpg.envs import folder_name  # here, for --help needs no simulator

    return folder_name(text)


OmegaConf.register_new_resolver("folder_name", _folder_name, replace=True)


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
