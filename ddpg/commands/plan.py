"""`ddpg-sweep plan`: composes the jobs of a command line as `ddpg-train -m` would, and prints what they will take."""

from collections.abc import Callable, Sequence
from functools import partial

import hydra
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper  # hydra-core is held below 1.4
from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.types import RunMode
from omegaconf import DictConfig

from ddpg.commands.precheck import check_jobs
from ddpg.composition.messages import try_words
from ddpg.composition.options_help import Choices
from ddpg.composition.overrides import known_flags, sweep_words
from ddpg.composition.words import hydra_words
from ddpg.config import resolvers
from ddpg.errors import UserError
from ddpg.search.states import STUDIES
from ddpg.sweep.forecast.plan import plan
from ddpg.sweep.freeze import NEED_NO_RESULTS, FrozenRun, compose
from ddpg.sweep.launch import checked_options, launcher_options

#: The flags of `ddpg-train` that say where the config comes from, and -m, which is meant anyway.
FLAGS = ("config_dir", "config_name", "multirun")


def plan_command(words: Sequence[str], probe_s: float) -> None:
    """Print the plan of the sweep that `ddpg-train WORDS -m` would start.

    Args:
        words: overrides and flags of `ddpg-train`; without hydra/launcher the sweep is planned for this machine.
        probe_s: seconds of learning in each trial, 0 for no trial.

    Raises:
        UserError: a mistake in the words, something that would stop the sweep, or a trial that fails.
    """
    resolvers.register()
    try_words(hydra_words(["-m", *words]), lambda accepted: _plan(accepted, probe_s))


def _plan(words: Sequence[str], probe_s: float) -> None:
    flags = known_flags(words)
    others = [name for name, value in vars(flags).items() if value and name not in (*FLAGS, "overrides")]
    if others:
        raise UserError(f"--{others[0].replace('_', '-')}: plan takes no such flag of ddpg-train")
    overrides = [*Choices(flags.config_dir).search_path(), *flags.overrides]
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        load = partial(loader.load_configuration, flags.config_name or "config", run_mode=RunMode.MULTIRUN)
        config = load([*overrides, *_launcher(overrides, load)])
        check_jobs(config, loader)
        if config.hydra.sweeper._target_ in STUDIES:
            options = launcher_options(config)
            plan(_runs_of_study(config, loader), options, probe_s)
            return
        if config.hydra.sweeper._target_ not in NEED_NO_RESULTS:
            sweeper = config.hydra.runtime.choices["hydra/sweeper"]
            raise UserError(f"hydra/sweeper={sweeper} chooses jobs by the results of others, so there is no plan")
        options = checked_options(config)
        runs = compose(config, loader, _jobs(config, loader), first=0)
    plan(runs, options, probe_s)


def _launcher(overrides: Sequence[str], load: Callable[[list[str]], DictConfig]) -> list[str]:
    """Return the word that chooses the launcher of this machine, where neither the words nor a file choose one."""
    if any(word.startswith("hydra/launcher=") for word in overrides):
        return []
    config = load([word for word in overrides if not word.startswith("hydra.launcher.")])
    return ["hydra/launcher=local"] if config.hydra.runtime.choices["hydra/launcher"] == "serial" else []


def _runs_of_study(config: DictConfig, loader: ConfigLoader) -> list[FrozenRun]:
    from ddpg.search.plan import runs_of_study  # Optuna, which only a study needs

    return runs_of_study(config, loader, list(config.hydra.overrides.task))


def _jobs(config: DictConfig, loader: ConfigLoader) -> list[list[str]]:
    """Return the overrides of every job: all combinations of the values, as Hydra's sweeper forms them."""
    words = sweep_words(config, config.hydra.overrides.task)
    overrides = OverridesParser.create(config_loader=loader).parse_overrides(words)
    (jobs,) = BasicSweeper.split_arguments(overrides, max_batch_size=None)
    return jobs
