"""Checks of a population before it begins, beside those of every study."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ddpg.config.forks import may_fork
from ddpg.errors import UserError
from ddpg.search.population.rules import bounds
from ddpg.search.recipe import Recipe
from ddpg.search.score import OF_EVALUATIONS
from ddpg.search.study import Definition

#: The key of the replay memory: a larger one than the parent's would lack what that has forgotten.
MEMORY = "buffer_size"


def checked_population(definition: Definition, recipe: Recipe) -> Definition:
    """Return the study with the keys that copies inherit.

    Raises:
        UserError: a space or a config with which a population cannot train.
    """
    keys = [dimension.key for dimension in definition.space.dimensions]
    if "total_steps" in keys:
        raise UserError("total_steps: hydra/sweeper=pbt divides it among the generations, so it has one value")
    configs = [recipe.config(params, seed=0) for params in recipe.largest()]
    for config in configs:
        _require_generations(definition, config)
    inherited = [key for key in keys if not all(_may_change(key, config) for config in configs)]
    if len(inherited) == len(keys):
        raise UserError(
            f"{', '.join(keys)}: no key of the space may change while a run goes on, so members that copy could not "
            "differ; add one that may, as tau or a learning rate, or use hydra/sweeper=search"
        )
    return replace(definition, kind=replace(definition.population, inherited=inherited))


def _may_change(key: str, config: Mapping[str, Any]) -> bool:
    """Whether members that copy may have another value: it fits the state, and scores remain of one environment."""
    return may_fork(key, config) and key != MEMORY and not key.startswith("env.")


def _require_generations(definition: Definition, config: Mapping[str, Any]) -> None:
    """Raise UserError if members with this config could not be compared at the ends of generations."""
    count = definition.population.generations
    _, first_end = bounds(definition.total_steps, count, generation=0)
    if config["eval"]["every"] is None and definition.options.metric.startswith(OF_EVALUATIONS):
        raise UserError(
            f"eval.every=null: members of a population are compared by {definition.options.metric}, which only "
            "evaluations have"
        )
    if not config["checkpoint"]["keep_replay"]:
        raise UserError("checkpoint.keep_replay=false: members go on from the replay memories of others, so keep them")
    begins = max(config["learning_starts"], config["random_steps"])
    if begins >= first_end:
        raise UserError(
            f"hydra.sweeper.generations={count}: the first one ends at env step {first_end}, and learning begins at "
            f"{begins} (learning_starts, random_steps): fewer generations, or a larger total_steps"
        )
