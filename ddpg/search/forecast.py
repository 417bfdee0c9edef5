"""The runs that a study may take, for `ddpg-sweep plan`: as if no trial were pruned."""

from collections.abc import Sequence
from pathlib import Path

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig

from ddpg.search.options import PopulationOptions
from ddpg.search.plan import planned
from ddpg.sweep.freeze import FrozenRun


def runs_of_study(config: DictConfig, loader: ConfigLoader, words: Sequence[str]) -> list[FrozenRun]:
    """Return as many runs as the study may have, all with a value inside each interval and the first of each choice.

    Raises:
        UserError: options or a space that do not fit.
    """
    definition, recipe = planned(config, loader, words)
    params = recipe.inside()
    # the members of a population train once from beginning to end, whatever they copy
    trials = 1 if isinstance(definition.kind, PopulationOptions) else definition.options.n_trials
    seeds = [seed for _ in range(trials) for seed in definition.seeds]
    return [recipe.run(number, Path(f"seed_{seed}"), params, seed) for number, seed in enumerate(seeds)]
