"""Checks the jobs of a command line before the first one starts: a mistake shows at once and leaves no folder."""

import copy
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from hydra.core.global_hydra import GlobalHydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.experimental.callback import Callback
from omegaconf import DictConfig, OmegaConf

from ddpg.commands.folders import claim_run, claim_sweep, is_new, name_jobs
from ddpg.commands.overrides import sweep_words, variations
from ddpg.config.settings import check, plain
from ddpg.errors import Refused, UserError
from ddpg.record.config_file import read_config
from ddpg.sweep.freeze import check_env, compose

#: The sweeper that draws values.
SEARCH = "hydra_plugins.ddpg_launcher.SearchSweeper"


class Precheck(Callback):
    """Refuses a mistake before Hydra makes folders or submits jobs, then claims the folder that Hydra will write into.

    conf/config.yaml names it in hydra.callbacks.

    Hydra would turn an Exception of a callback into a warning, so errors leave as `Refused`.
    """

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        try:
            HydraConfig.instance().set_config(config)
            require_one_choice(config)
            require_id_of_option(config)
            checked = check(job_config(_without_hydra(config), config.hydra.overrides.task))
            check_env(checked.env)
            require_writable(Path(config.hydra.run.dir))
            claim_run(config, plain(checked))
        except Exception as error:
            raise Refused(error) from error

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        try:
            new = is_new(config.hydra.sweep)
            check_jobs(config, GlobalHydra.instance().config_loader())
            require_writable(Path(config.hydra.sweep.dir))
            claim_sweep(config, new, lock=config.hydra.sweeper._target_ != SEARCH)
        except Exception as error:
            raise Refused(error) from error


def check_jobs(config: DictConfig, loader: ConfigLoader) -> None:
    """Raise UserError for a mistake in the jobs of a sweep; every value of a key is checked in one of them."""
    if config.resume is not None:
        raise UserError(f"resume={config.resume} cannot be combined with a multirun: it continues one run")
    require_one_choice(config)
    require_id_of_option(config)
    name_jobs(config)
    if config.hydra.sweeper._target_ == SEARCH:  # it checks its own space, in which values can be drawn
        return
    runs = compose(config, loader, variations(sweep_words(config, config.hydra.overrides.task), loader), first=0)
    for env in {json.dumps(run.config["env"]): run.config["env"] for run in runs}.values():
        check_env(env)


def require_one_choice(config: DictConfig) -> None:
    """Raise UserError for a group that the command line chooses twice, of which Hydra takes the last."""
    first: dict[str, str] = {}
    words: Any = OmegaConf.to_container(config.hydra.overrides)  # as written, interpolations too
    for word in [*words["task"], *words["hydra"]]:
        group = word.partition("=")[0]
        if group in config.hydra.runtime.choices and first.setdefault(group, word) != word:
            raise UserError(f"{first[group]} {word}: a group is chosen once")


def require_id_of_option(config: DictConfig) -> None:
    """Raise UserError for an env.id beside an option of the group env that has a name or a budget for an id of its own.

    Where the option has none of its own, name and budget follow from the id (conf/tasks.yaml).
    """
    words: Any = OmegaConf.to_container(config.hydra.overrides)
    option = config.hydra.runtime.choices.env
    given = [word for word in words["task"] if word.startswith("env.id=")]
    loader: Any = GlobalHydra.instance().config_loader()
    found = loader.repository.load_config(f"env/{option}") if given else None
    file: Any = {} if found is None else OmegaConf.to_container(found.config)
    own = " and ".join(key for key in ("name", "budget") if key in file)
    if own and file.get("id", "???") not in ("???", given[-1].removeprefix("env.id=")):
        raise UserError(f"{given[-1]}: env={option} has {own} for {file['id']}; write env=gym {given[-1]}")


def require_writable(folder: Path) -> None:
    """Raise UserError if a folder cannot be made or written to."""
    existing = next(path for path in [folder, *folder.absolute().parents] if path.exists())
    if not existing.is_dir():
        raise UserError(f"folder {folder} cannot be made: {existing} is a file")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(f"folder {folder} cannot be written to: no permission to write in {existing}")


def job_config(cfg: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """Return the config of a job: as composed, or with `resume` the run's own config and the overrides.

    Raises UserError for an override of a group, which stays as the run was started.
    """
    if cfg.resume is None:
        return cfg
    started = read_config(Path(cfg.resume) / "config.yaml")
    for override in OverridesParser.create().parse_overrides(list(overrides)):
        key = override.key_or_group
        if override.is_delete() or OmegaConf.is_dict(OmegaConf.select(started, key)) or not _is_key(cfg, key):
            raise UserError(
                f"{override.input_line} cannot be given with resume: groups stay as the run was "
                "started; keys such as logger.every may change"
            )
        OmegaConf.update(started, key, override.value())
    return started


def _is_key(cfg: DictConfig, key: str) -> bool:
    """Whether the key is a value, not a group such as preset that only chooses others."""
    return OmegaConf.select(cfg, key.rpartition(".")[0]) is not None if "." in key else key in cfg


def _without_hydra(config: DictConfig) -> DictConfig:
    job = copy.deepcopy(config)
    OmegaConf.set_struct(job, False)
    del job["hydra"]
    return job
