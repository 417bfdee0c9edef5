"""The record of which option of each group was chosen; of `env` it is the one that the environment is."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from ddpg.config.resolvers import conf_file

#: The keys of an option that its id may be made of.
_PARTS = ("version", "domain", "task")


def chosen(choices: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return Hydra's record of the option of each group, without the groups of Hydra itself."""
    return {str(group): option for group, option in choices.items() if not group.startswith("hydra/")}


def with_env_option(choices: Mapping[str, Any], env: Any) -> dict[str, Any]:
    """Return the options of all groups, that of `env` being the one which the environment is.

    `env.id=Swimmer-v5` alone leaves Hydra's choice at the default, `env=pendulum`, and `env.id=BipedalWalker-v3` is
    what `env=bipedalwalker` names. An option of a user's own stays, as do those that leave their id to the user.

    Args:
        choices: the option that was chosen of each group.
        env: the node `env` of the run's config, resolved.
    """
    option = choices.get("env")
    env_id = env.get("id") if isinstance(env, Mapping) else None
    if not isinstance(option, str) or not isinstance(env_id, str):
        return dict(choices)
    parts = tuple((key, str(env[key])) for key in _PARTS if env.get(key) is not None)
    return {**choices, "env": _option(option, env_id, parts)}


@cache
def _option(option: str, env_id: str, parts: tuple[tuple[str, str], ...]) -> str:
    """Return the chosen option, unless it has another id; then the first one that has this id, or `gym`."""
    if _id(option, dict(parts)) in (None, env_id):
        return option
    files_here = files("ddpg.conf").joinpath("env").iterdir()
    options = sorted(file.name.removesuffix(".yaml") for file in files_here if file.name.endswith(".yaml"))
    return next((other for other in options if _id(other, {}) == env_id), "gym")


def _id(option: str, parts: Mapping[str, str]) -> str | None:
    """Return the id of an option; None if it is the user's to give, or no file of this package defines the option."""
    keys = {**_keys(option), **parts}
    whole = re.sub(r"\$\{\.(\w+)\}", lambda part: str(keys.get(part[1], "???")), str(keys.get("id", "???")))
    return None if "???" in whole else whole


@cache
def _keys(option: str) -> dict[str, Any]:
    """Return the keys of an option's file, and of those that it starts from."""
    if not files("ddpg.conf").joinpath(f"env/{option}.yaml").is_file():
        return {}
    own = conf_file(f"env/{option}.yaml")
    keys: dict[str, Any] = {}
    for name in own.get("defaults", []):
        keys |= own if name == "_self_" else _keys(name)
    return keys or own
