"""Checks the jobs of a command line before the first one starts: a mistake shows at once and leaves no folder."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.experimental.callback import Callback
from omegaconf import DictConfig

from ddpg.commands.folders import claim_run, claim_sweep, name_jobs
from ddpg.composition.idle_keys import require_effect
from ddpg.composition.overrides import TO_REPEAT, require_lists, sweep_words, swept_keys, variations
from ddpg.composition.own_files import require_options
from ddpg.composition.run_config import (
    all_words,
    checked_run,
    is_new,
    require_id_of_option,
    require_no_record,
    written,
)
from ddpg.composition.word_checks import check_repeated, require_effect_in_sweep
from ddpg.config.settings import plain
from ddpg.config.spelling import as_written
from ddpg.errors import Refused, UserError
from ddpg.search.states import STUDIES
from ddpg.sweep.freeze import NEED_NO_RESULTS, FrozenRun, check_env, check_fork, compose

#: The launchers that start a run by its folder alone.
FREEZING = ("hydra_plugins.ddpg_launcher.LocalLauncher", "hydra_plugins.ddpg_launcher.SlurmLauncher")


class Precheck(Callback):
    """Refuses a mistake before Hydra makes folders or submits jobs, then claims the folder that Hydra will write into.

    conf/config.yaml names it in hydra.callbacks.

    Hydra would turn an Exception of a callback into a warning, so errors leave as `Refused`.
    """

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        try:
            HydraConfig.instance().set_config(config)
            checked = checked_run(config)
            require_writable(Path(config.hydra.run.dir))
            claim_run(config, plain(checked))
        except Exception as error:
            raise Refused(error) from error

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        try:
            new = is_new(config.hydra.sweep)
            check_jobs(config, GlobalHydra.instance().config_loader())
            if _freezes(config) and config.hydra.sweeper._target_ not in STUDIES:
                from ddpg.sweep.launch import checked_options, require_startable  # loads submitit

                require_startable(checked_options(config))
            require_writable(Path(config.hydra.sweep.dir))
            claim_sweep(config, new, lock=config.hydra.sweeper._target_ not in STUDIES)
        except Exception as error:
            raise Refused(error) from error


def check_jobs(config: DictConfig, loader: ConfigLoader) -> None:
    """Raise UserError for a mistake in the jobs of a sweep; every value of a key is checked in one of them."""
    if config.resume is not None:
        raise UserError(f"resume={config.resume} cannot be combined with a multirun: it continues one run")
    check_repeated(all_words(config), refused={*config.hydra.runtime.choices, *swept_keys(config.hydra.overrides.task)})
    require_effect_in_sweep(all_words(config), config.hydra.runtime.choices["hydra/launcher"], _freezes(config))
    require_id_of_option(config)
    require_no_record(config)
    require_options(config)
    _require_sweeper_that_forks(config)
    _require_launcher_with_options(config)
    name_jobs(config)
    if config.hydra.sweeper._target_ in STUDIES:  # it checks its own space, in which values can be drawn
        return
    words = sweep_words(config, config.hydra.overrides.task)
    lists = config.hydra.sweeper._target_ in NEED_NO_RESULTS
    if lists:
        require_lists(words, config.hydra.runtime.choices["hydra/sweeper"])
    runs = compose(config, loader, variations(words, loader), first=0)
    _require_different(runs)
    if lists:  # of an interval no value is among these runs
        require_effect(written(config)["task"], [run.config for run in runs])
    for run in {json.dumps([run.config["env"], run.config.get("fork")]): run for run in runs}.values():
        check_env(run.config["env"])
        check_fork(run.config, run.path)


def _require_sweeper_that_forks(config: DictConfig) -> None:
    """Raise UserError for forks by a sweeper that chooses values itself."""
    forks = [word for word in all_words(config) if word.startswith("fork=")]
    if forks and config.hydra.sweeper._target_ not in NEED_NO_RESULTS:
        sweeper = config.hydra.runtime.choices["hydra/sweeper"]
        raise UserError(f"{forks[0]} cannot be given with hydra/sweeper={sweeper}: a sweep of forks lists its values")


def _require_launcher_with_options(config: DictConfig) -> None:
    """Raise UserError for options of the launcher that has none, as in a file that chooses no launcher for them."""
    if config.hydra.runtime.choices["hydra/launcher"] != "serial":
        return
    options = [f"hydra.launcher.{key}={as_written(value)}" for key, value in config.hydra.launcher.items()]
    if len(options) > 1:
        raise UserError(
            f"{options[-1]}: hydra/launcher=serial has no options; choose another, as hydra/launcher=slurm, or in a "
            "file defaults: [override /hydra/launcher: slurm]"
        )


def _freezes(config: DictConfig) -> bool:
    """Whether the launcher is one of this package's."""
    return config.hydra.launcher._target_ in FREEZING


def _require_different(runs: Sequence[FrozenRun]) -> None:
    """Raise UserError if two jobs are the same run."""
    first: dict[str, list[str]] = {}
    for run in runs:
        values = {key: value for key, value in run.config.items() if key != "choices"}
        before = first.setdefault(json.dumps(values, sort_keys=True), run.overrides)
        if before is not run.overrides:
            one = " ".join(word for word in before if word not in run.overrides)
            other = " ".join(word for word in run.overrides if word not in before)
            raise UserError(f"{one} and {other} are the same run{TO_REPEAT}")


def require_writable(folder: Path) -> None:
    """Raise UserError if a folder cannot be made or written to."""
    existing = next(path for path in [folder, *folder.absolute().parents] if path.exists())
    if not existing.is_dir():
        raise UserError(f"folder {folder} cannot be made: {existing} is a file")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(f"folder {folder} cannot be written to: no permission to write in {existing}")
