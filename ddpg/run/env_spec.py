"""From the node `env` of a config to the recipe of an environment; loads no torch, because checks need it too."""

import types
from collections.abc import Mapping
from functools import partial
from typing import Any, Protocol, Union, get_args, get_origin

import gymnasium
from hydra.errors import InstantiationException
from hydra.utils import instantiate

from ddpg.config.constructors import hints
from ddpg.envs import EnvSpec
from ddpg.errors import UserError, typed_line
from ddpg.run.contracts import require_contract


class Recipe(Protocol):
    """What a run asks of the node `env`."""

    #: Whether only one instance can exist at a time.
    single: bool

    def make(self, render: bool = False) -> gymnasium.Env[Any, Any]:
        """Build an environment, which draws if `render` is true."""

    def reset_fixes_episode(self, env: gymnasium.Env[Any, Any]) -> bool:
        """Tell whether reset(seed) alone fixes an episode of an environment that this recipe has made."""


def build_env_spec(config: Mapping[str, Any]) -> EnvSpec:
    """Make the recipe of a config's environment; its wrappers become functions of an environment."""
    node = config["env"]
    wrappers = [_wrapper(place, wrapper) for place, wrapper in enumerate(node.get("wrappers", ()))]
    spec = instantiate(node, **({"wrappers": wrappers} if wrappers else {}), _convert_="all")
    if isinstance(spec, gymnasium.Env):
        raise UserError(
            f"env._target_={node['_target_']} is an environment, not what makes one: register it in a module of yours "
            "by gymnasium.register, and write env=gym env.id=ID env.imports=[MODULE]"
        )
    require_contract(spec, Recipe, node, "env")
    return spec


def _wrapper(place: int, node: Mapping[str, Any]) -> "partial[Any]":
    """Raises UserError if what a `_target_` within the node names fails."""
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
