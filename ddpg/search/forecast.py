"""The runs that a study may take, for `ddpg-sweep plan`: as if no trial were pruned."""

from collections.abc import Sequence
from pathlib import Path

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig

from ddpg.search.launch import planned
from ddpg.sweep.freeze import FrozenRun


def runs_of_study(config: DictConfig, loader: ConfigLoader, words: Sequence[str]) -> list[FrozenRun]:
    """Return as many runs as the study may have, all with a value inside each interval and the first of each choice.

    Raises:
        UserError: options or a space that do not fit.
    """
    definition, recipe = planned(config, loader, words)
    params = recipe.inside()
    seeds = [seed for _ in range(definition.options.n_trials) for seed in definition.seeds]
    return [recipe.run(number, Path(f"seed_{seed}"), params, seed) for number, seed in enumerate(seeds)]
