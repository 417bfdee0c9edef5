"""The command `ddpg-train`: Hydra in front, one line for every mistake behind."""

import logging
import sys
from argparse import Namespace
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.core.plugins import Plugins
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf, open_dict

from ddpg.commands.command_line import find_own_packages, one_line_errors, require_text
from ddpg.composition.idle_keys import warn_of_idle
from ddpg.composition.messages import explain, try_words
from ddpg.composition.options_help import Choices
from ddpg.composition.overrides import known_flags, without_defaults
from ddpg.composition.words import hydra_words
from ddpg.config import resolvers
from ddpg.config.choices import chosen
from ddpg.config.settings import plain
from ddpg.config.spelling import as_typed
from ddpg.errors import Refused, UserError
from ddpg.interrupt import ending_at_once
from ddpg.sweep.job_config import job_config, typed_configs

log = logging.getLogger(__name__)

_ABSENT = object()


def main() -> None:
    """`ddpg-train OVERRIDE...`: everything that Hydra's command line offers."""
    with one_line_errors("ddpg-train"):
        train_with_hydra(sys.argv[1:])


def train_with_hydra(words: Sequence[str]) -> None:
    """Do what the words of a command line ask for.

    Raises UserError for overrides that Hydra refuses, and whatever else goes wrong.
    """
    find_own_packages()
    require_text(words)
    flags = known_flags(words)
    if flags.help:
        print(Choices(flags.config_dir).help())
        sys.exit()
    if flags.cfg in ("job", "all") and not flags.multirun and _goes_on_from_a_run(flags.overrides):
        _show_config(flags)
        return
    resolvers.register()
    _register_launchers()
    try_words(hydra_words(words), _call_hydra)


def _goes_on_from_a_run(overrides: Sequence[str]) -> bool:
    return any(word.lstrip("+").startswith(("resume=", "fork=")) for word in without_defaults(overrides))


def _show_config(flags: Namespace) -> None:
    """Print the config of a run that is resumed or forked, with the overrides: Hydra knows what it composes alone."""
    from ddpg.api.compose import composed

    if flags.cfg == "all":
        raise UserError("--cfg all shows what Hydra composes, which is not the config of a run: write --cfg job")
    config = composed(flags.overrides, flags.config_dir).config
    shown = OmegaConf.select(config, flags.package, default=_ABSENT) if flags.package else config
    if shown is _ABSENT:
        raise UserError(f"--package {flags.package}: the run has no such key")
    print(OmegaConf.to_yaml(shown).rstrip() if OmegaConf.is_config(shown) else shown)


def _call_hydra(words: Sequence[str]) -> None:
    sys.argv[1:] = words  # where Hydra reads its command line
    _train()


def _register_launchers() -> None:
    """Register the launchers by hand, because Hydra's search finds none in an editable install."""
    plugins = Plugins.instance()  # first: the search itself loads Hydra's own plugins anew
    from hydra_plugins.ddpg_launcher import (
        LocalLauncher,
        PopulationSweeper,
        SearchSweeper,
        SerialLauncher,
        SlurmLauncher,
        Sweeper,
    )

    for plugin in (LocalLauncher, SerialLauncher, SlurmLauncher, Sweeper, SearchSweeper, PopulationSweeper):
        plugins.register(plugin)


@hydra.main(version_base="1.3", config_path="../conf", config_name="config")
def _train(cfg: DictConfig) -> float | None:
    with ending_at_once():
        from ddpg.run.lifecycle import run  # torch is loaded when there is something to train

    job = HydraConfig.get()
    with open_dict(cfg):
        cfg.choices = chosen(job.runtime.choices)
    overrides = as_typed(job.overrides.task)
    folder = Path(job.runtime.output_dir)
    train = partial(run, path=folder, overrides=overrides, config_dir=typed_configs(job).get("config_dir"))
    if job.mode == RunMode.MULTIRUN:
        try:
            return train(_told(job_config(cfg, overrides), overrides))
        except Exception as error:  # Hydra trains the other jobs and reports the first failure at the end
            log.error("job %s failed: %s", job.job.num, explain(error) or error)
            raise
    try:
        return train(_told(job_config(cfg, overrides), overrides))
    except Exception as error:
        raise Refused(error) from error


def _told(config: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """Return the config of a run, and say in its log which words have no effect in it."""
    warn_of_idle(overrides, plain(config))
    return config
