"""What is checked before the first job starts: mistakes are told in a second, and leave no folder behind."""

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
from hydra.utils import instantiate
from omegaconf import DictConfig, OmegaConf

from ddpg.config.settings import check, plain
from ddpg.errors import Refused, UserError
from ddpg.record.config_file import read_config, require_same_config
from ddpg.record.run_folder import RunFolder
from ddpg.sweep.freeze import compose


class Precheck(Callback):
    """Hydra calls this before it makes folders or submits jobs; conf/config.yaml names it in hydra.callbacks."""

    def on_run_start(self, config: DictConfig, **kwargs: Any) -> None:
        try:
            HydraConfig.instance().set_config(config)
            require_one_choice(config)
            checked = check(job_config(_without_hydra(config), config.hydra.overrides.task))
            require_installed(checked.env)
            require_writable(folder := Path(config.hydra.run.dir))
            require_same_config(plain(checked), RunFolder(folder))
        except Exception as error:
            raise Refused(error) from error

    def on_multirun_start(self, config: DictConfig, **kwargs: Any) -> None:
        try:
            check_jobs(config, GlobalHydra.instance().config_loader())
            require_writable(Path(config.hydra.sweep.dir))
        except Exception as error:
            raise Refused(error) from error


def check_jobs(config: DictConfig, loader: ConfigLoader) -> None:
    """Raise UserError for a mistake in the jobs of a sweep; every value of a key is checked in one of them."""
    if config.resume is not None:
        raise UserError(f"resume={config.resume} cannot be combined with a multirun: it continues one run")
    require_one_choice(config)
    runs = compose(config, loader, variations(sweep_words(config), loader), first=0)
    for env in {json.dumps(run.config["env"]): run.config["env"] for run in runs}.values():
        require_installed(env)


def sweep_words(config: DictConfig) -> list[str]:
    """Return the overrides of a sweep: those of hydra.sweeper.params, then those of the command line."""
    params = config.hydra.sweeper.get("params") or {}
    return [f"{key}={values}" for key, values in params.items()] + list(config.hydra.overrides.task)


def require_one_choice(config: DictConfig) -> None:
    """UserError for a group that the command line chooses twice, of which Hydra takes the last."""
    said: dict[str, str] = {}
    words: Any = OmegaConf.to_container(config.hydra.overrides)  # as written, interpolations too
    for word in [*words["task"], *words["hydra"]]:
        group = word.partition("=")[0]
        if group in config.hydra.runtime.choices and said.setdefault(group, word) != word:
            raise UserError(f"{said[group]} {word}: a group is chosen once")


def require_installed(env: Any) -> None:
    """UserError if the environment needs Python modules that are not there."""
    spec = instantiate(env, _convert_="all")
    if hasattr(spec, "require_installed"):  # an own class need not have it
        spec.require_installed()


def require_writable(folder: Path) -> None:
    """UserError if a folder cannot be made or written to."""
    existing = next(path for path in [folder, *folder.absolute().parents] if path.exists())
    if not existing.is_dir():
        raise UserError(f"folder {folder} cannot be made: {existing} is a file")
    if not os.access(existing, os.W_OK | os.X_OK):
        raise UserError(f"folder {folder} cannot be written to: no permission to write in {existing}")


def job_config(cfg: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """The config of a job: as composed, or with `resume` the one that the run was started with, and the overrides."""
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


def variations(words: Sequence[str], loader: ConfigLoader) -> list[list[str]]:
    """The first job of a sweep, then every further value of every key once, in that job: the sum of the values, not
    their product. Values that only the sweeper knows (intervals) are left to the jobs."""
    choices: dict[str, list[str]] = {}
    for override in OverridesParser.create(config_loader=loader).parse_overrides(list(words)):
        key = override.get_key_element()
        if not override.is_sweep_override():
            choices[key] = [f"{key}={override.get_value_element_as_str()}"]
        elif override.is_range_sweep():  # of numbers: what the ends are, all of them are
            numbers = list(override.sweep_string_iterator())
            choices[key] = [f"{key}={number}" for number in (*numbers[:1], *numbers[1:][-1:])]
        elif override.is_discrete_sweep():
            choices[key] = [f"{key}={value}" for value in override.sweep_string_iterator()]
    first = {key: values[0] for key, values in choices.items() if values}
    others = [first | {key: value} for key, values in choices.items() for value in values[1:]]
    return [list(job.values()) for job in [first, *others]]


def _without_hydra(config: DictConfig) -> DictConfig:
    job = copy.deepcopy(config)
    OmegaConf.set_struct(job, False)
    del job["hydra"]
    return job
