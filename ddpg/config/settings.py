"""Checks a composed config before anything runs: the schema of a node is the signature of what it builds.

`Settings` is the schema of the top level. The keys of a node with a `_target_` must fit the parameters of that class or
function (`ddpg.config.signature`). So a user's class is checked like this package's, and no type or range has a second
home.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal

import yaml
from omegaconf import DictConfig, ListConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from ddpg.config import resolvers
from ddpg.config.choices import chosen, with_env_option
from ddpg.config.given import GIVEN, require_parts_that_fit
from ddpg.config.keys import flat
from ddpg.config.secrets import require_no_secrets
from ddpg.config.signature import Target, fit
from ddpg.config.spelling import as_written, shell_quoted
from ddpg.config.variables import about_the_environment, omegaconf_line
from ddpg.errors import UserError
from ddpg.ranges import Count, Fraction, Pattern, Positive, PositiveInt

Node = Mapping[str, Any]

#: How a device may be named.
DEVICE = Pattern(r"auto|(cpu|cuda|mps)(:\d+)?", "one of auto, cpu, cuda, cuda:1, mps")
#: The keys that may differ when a run goes on: how long, where and how it is watched; never what is learned.
MAY_CHANGE = ("total_steps", "eval", "checkpoint", "logger", "device", "threads", "compile", "extra")
#: The keys that tell how a run was composed and started, not what it is.
OF_THE_START = ("resume", "choices")
#: The keys of a fork: the run folder that was typed, and what the fork continues, which the program writes down.
FORK = ("fork", "forked")


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
    every: PositiveInt | None
    episodes: PositiveInt
    video: bool
    #: Runs from before this key was there have none, and can still be opened.
    seed: Count | None = None


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
    device: Annotated[str, DEVICE]
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
    #: The option that was chosen of each group, for the record; the program writes it down.
    choices: Mapping[str, str | None] = field(default_factory=dict)
    #: The run folder that this run is a fork of; folders of older runs do not have the key.
    fork: str | None = None
    #: What a fork continues: the `configuration` of that run, as `group` names it, and the `env_step`.
    forked: Mapping[str, str | int] = field(default_factory=dict)


def check(cfg: DictConfig | ListConfig) -> DictConfig:
    """Return the config with every interpolation resolved and every number of the type that its parameter asks for.

    Raises UserError, naming key, value, what is allowed and the nearest spelling, at the first thing wrong.
    """
    resolved = OmegaConf.create(values(cfg))
    try:
        OmegaConf.resolve(resolved)  # nothing that is read from RUN/config.yaml may look like an interpolation
    except OmegaConfBaseException as error:
        raise UserError(omegaconf_line(error)) from error
    return resolved


def values(cfg: Any) -> dict[str, Any]:
    """Check a config as `check` does and return plain dicts and lists.

    Of the node `hydra`, if there is one, the option that was chosen of each group is kept, as `choices`; of `env` it
    is the one that the environment is.
    """
    resolvers.register()
    keys = [str(key) for key in cfg if key != "hydra"]
    written: Any = OmegaConf.to_container(cfg)
    require_no_secrets({key: written[key] for key in keys})
    try:
        plain = {key: _resolved(cfg, key) for key in keys}
    except OmegaConfBaseException as error:
        _require_values({key: written[key] for key in keys})  # what is missing may be the cause
        raise UserError(omegaconf_line(error)) from error
    _require_values(plain)
    if "hydra" in cfg:
        plain["choices"] = chosen(cfg.hydra.runtime.choices)
    _require_wrapper_nodes(plain.get("env"))
    try:
        fitted = fit(plain, Settings)
    except UserError as error:
        raise about_the_environment(error, written) from error.__cause__
    _require_wrappers(fitted["env"])
    require_parts_that_fit(fitted)
    _require_minibatch(fitted)
    if "choices" in fitted:
        fitted["choices"] = with_env_option(fitted["choices"], fitted["env"])
    return fitted


def _require_wrapper_nodes(env: Any) -> None:
    """Raise UserError, with an example in the quotes that a shell wants, for wrappers that are no list of nodes."""
    wrappers = env.get("wrappers", []) if isinstance(env, Mapping) else []
    nodes = enumerate(wrappers) if isinstance(wrappers, list) else [("", wrappers)]
    for place, node in nodes:
        if not isinstance(node, Mapping) or "_target_" not in node:
            key = "env.wrappers" if place == "" else f"env.wrappers[{place}]"
            example = shell_quoted("env.wrappers=[{_target_: gymnasium.wrappers.FlattenObservation}]")
            raise UserError(
                f"{key}={as_written(node)} is no wrapper; a list of them is written in quotes, because a shell takes "
                f"braces apart: {example}"
            )


def _require_wrappers(env: Node) -> None:
    """Check the wrappers of an environment, each of which gets the `env` that it is put around."""
    for place, node in enumerate(env.get("wrappers", [])):
        fit(node, Annotated[Node, Target(*GIVEN["wrapper"])], f"env.wrappers[{place}]")


def _require_minibatch(values: Mapping[str, Any]) -> None:
    """Raise UserError for a minibatch that is larger than the replay memory, because it would repeat transitions."""
    batch_size = values["batch_size"]
    buffer_size = values["buffer_size"]
    if batch_size > buffer_size:
        raise UserError(
            f"batch_size={batch_size} is more than the replay memory holds, buffer_size={buffer_size}: a minibatch "
            "would repeat transitions"
        )


def _resolved(cfg: Any, key: str) -> Any:
    value = "???" if OmegaConf.is_missing(cfg, key) else cfg[key]
    return OmegaConf.to_container(value, resolve=True) if OmegaConf.is_config(value) else value


def plain(cfg: DictConfig) -> dict[str, Any]:
    """Return the config in plain dicts and lists, with every interpolation resolved."""
    values: Any = OmegaConf.to_container(cfg, resolve=True)
    return values


def _require_values(values: Any) -> None:
    """Raise UserError for a key that has no value yet."""
    missing = [key for key, value in flat(values).items() if value == "???"]
    if missing:
        raise UserError(f"{missing[0]} has no value: set it, {missing[0]}=VALUE")


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]  # six times faster than OmegaConf's
    """Puts a text that OmegaConf would read as a number, such as 1e-3, in quotes."""

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
    """Return plain values as the text of a config.yaml."""
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False, allow_unicode=True)


def science(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the seeds of one configuration have in common: all but the seed, MAY_CHANGE and OF_THE_START.

    Forks have it in common where they continue runs of one configuration from the same env step.
    """
    return {key: value for key, value in values.items() if key not in (*MAY_CHANGE, *OF_THE_START, "seed", "fork")}


def group(values: Mapping[str, Any]) -> str:
    """Return eight hex digits that name a configuration, equal for all its seeds."""
    return hashlib.sha256(json.dumps(science(values), sort_keys=True).encode()).hexdigest()[:8]
