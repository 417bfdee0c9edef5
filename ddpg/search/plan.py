"""From a composed command line to the study that it describes, checked before anything is written, and to its runs."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig, OmegaConf

from ddpg.composition.overrides import sweep_words
from ddpg.search.grammar import parse
from ddpg.search.options import (
    OF_THE_SPACE,
    PopulationOptions,
    SearchOptions,
    StudyOptions,
    population_options,
    require_optuna,
    search_options,
)
from ddpg.search.recipe import Recipe, compose_recipe
from ddpg.search.score import OF_EVALUATIONS
from ddpg.search.states import PBT, SEARCH
from ddpg.search.study import Definition
from ddpg.sweep.freeze import FrozenRun, check_env
from ddpg.version import __version__

log = logging.getLogger(__name__)

#: The keys of the sweeper's node that are not options of the study.
NO_OPTIONS = ("_target_", "_recursive_", *OF_THE_SPACE)
#: What reads the options of each sweeper.
READERS: Mapping[str, Callable[[Mapping[str, Any]], tuple[StudyOptions, SearchOptions | PopulationOptions]]] = {
    SEARCH: search_options,
    PBT: population_options,
}


def planned(config: DictConfig, loader: ConfigLoader, words: Sequence[str]) -> tuple[Definition, Recipe]:
    """Return the study that a composed config and the words of the command line describe, all of it checked.

    Raises:
        UserError: options or a space that do not fit.
    """
    require_optuna()
    node: Any = OmegaConf.to_container(config.hydra.sweeper, resolve=True)
    options, kind = READERS[node["_target_"]]({key: value for key, value in node.items() if key not in NO_OPTIONS})
    space = parse(sweep_words(config, words), node["conditions"], loader)
    recipe = compose_recipe(config, loader, space)
    first = recipe.first_config()
    recipe.require_valid(first["seed"])
    for env in recipe.environments():
        check_env(env)
    path = Path(str(config.hydra.sweep.dir))
    definition = Definition(
        name=options.study_name or path.absolute().name,
        version=__version__,
        options=options,
        kind=kind,
        space=space,
        seeds=tuple(kind.seeds_from(first["seed"])),
        total_steps=first["total_steps"],
        threads=first["threads"],
    )
    definition = _checked(definition, recipe)
    _mention_few_values(definition, first)
    return definition, recipe


def runs_of_study(config: DictConfig, loader: ConfigLoader, words: Sequence[str]) -> list[FrozenRun]:
    """Return as many runs as the study may have, all with a value inside each interval and the first of each choice.

    They are counted as if no trial were pruned.

    Raises:
        UserError: options or a space that do not fit.
    """
    definition, recipe = planned(config, loader, words)
    params = recipe.inside()
    # members train once from beginning to end, whatever they copy
    trials = 1 if definition.members else definition.options.n_trials
    seeds = [seed for _ in range(trials) for seed in definition.seeds]
    return [recipe.run(number, Path(f"seed_{seed}"), params, seed) for number, seed in enumerate(seeds)]


def _checked(definition: Definition, recipe: Recipe) -> Definition:
    """Return the study as it will be; raise UserError for what its kind does not allow."""
    if definition.members:
        from ddpg.search.population.checks import checked_population

        return checked_population(definition, recipe)
    from ddpg.search.pruning import make_pruner  # Optuna, which is known to be there by now
    from ddpg.search.sampling import make_sampler, most_trials

    make_sampler(definition, seed=0)
    make_pruner(definition)
    return replace(definition, options=replace(definition.options, n_trials=most_trials(definition)))


def _mention_few_values(definition: Definition, config: Mapping[str, Any]) -> None:
    """Log a warning where scores have fewer values than `last`, because there are not so many evaluations."""
    options = definition.options
    every = config["eval"]["every"]
    if every is None or not options.metric.startswith(OF_EVALUATIONS):
        return
    steps, what = definition.total_steps, "a run"
    if isinstance(definition.kind, PopulationOptions):
        steps, what = steps // definition.kind.generations, "a generation"
    evaluations = -(-steps // every)  # there is one at the end
    if evaluations < options.last:
        log.warning(
            "hydra.sweeper.last=%d: %s of %d env steps with eval.every=%d has only %d of these values",
            options.last, what, steps, every, evaluations,
        )  # fmt: skip
