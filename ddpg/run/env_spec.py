"""From the node `env` of a config to the recipe of an environment; loads no torch, because checks need it too."""

import types
from collections.abc import Mapping
from functools import partial
from typing import Any, Union, get_args, get_origin

from hydra.errors import InstantiationException
from hydra.utils import instantiate

from ddpg.constructors import hints
from ddpg.envs import EnvSpec
from ddpg.errors import UserError, typed_line


def build_env_spec(config: Mapping[str, Any]) -> EnvSpec:
    """Make the recipe of a config's environment; its wrappers become functions of an environment."""
    node = config["env"]
    wrappers = [_wrapper(place, wrapper) for place, wrapper in enumerate(node.get("wrappers", ()))]
    spec = instantiate(node, **({"wrappers": wrappers} if wrappers else {}), _convert_="all")
    if not isinstance(spec, EnvSpec):
        raise UserError(
            f"env._target_={node['_target_']} makes {type(spec).__name__}, not ddpg.envs.EnvSpec: register the "
            "environment in a module of yours by gymnasium.register, and write env=gym env.id=ID env.imports=[MODULE]"
        )
    return spec


def _wrapper(place: int, node: Mapping[str, Any]) -> "partial[Any]":
    """Make the function that puts a wrapper around an environment; raise UserError if a class that it names fails."""
    try:
        made: partial[Any] = instantiate(node, _partial_=True, _convert_="all")
    except InstantiationException as error:
        raise UserError(f"env.wrappers[{place}]: {typed_line(error.__cause__ or error)}") from error
    hints_of = hints(made.func)
    # YAML knows no tuples, on which some of gymnasium's wrappers insist
    lists = {name: value for name, value in made.keywords.items() if isinstance(value, list)}
    tuples = {name: tuple(value) for name, value in lists.items() if _wants_tuple(hints_of.get(name))}
    return partial(made.func, *made.args, **made.keywords | tuples)


def _wants_tuple(hint: Any) -> bool:
    options = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    return any(option is tuple or get_origin(option) is tuple for option in options)
