"""The config of a job: as it was composed, or that of the run which it resumes or forks."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from hydra.core.hydra_config import HydraConfig
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, ListConfig, OmegaConf

from ddpg.config.keys import flat
from ddpg.config.places import has_place
from ddpg.config.settings import MAY_CHANGE, plain
from ddpg.config.spelling import as_typed, as_written, nearest
from ddpg.errors import UserError
from ddpg.record.config_file import read_config, require_same_config
from ddpg.record.forks import has_begun, require_forkable
from ddpg.record.resumes import require_resumable
from ddpg.record.run_folder import RunFolder


def job_config(cfg: DictConfig, overrides: Sequence[str]) -> DictConfig:
    """Return the config of a job: as composed, or with `resume` or `fork` that run's own with the overrides.

    Hydra's node has to be the one that `${hydra:...}` reads. Raises UserError for an override of a group other than
    `logger`, which stays as the run was started.
    """
    if cfg.resume is not None:
        started = read_config(Path(cfg.resume) / "config.yaml")
        return _with_overrides(started, cfg, overrides, "resume")
    if cfg.get("fork") is None:
        return cfg
    started = read_config(Path(cfg.fork) / "config.yaml")
    started.pop("forked", None)  # what that run itself continues, if it is a fork
    started.resume = None
    started.fork = cfg.fork
    return _with_overrides(started, cfg, overrides, "fork")


def typed_configs(hydra: Any) -> dict[str, str]:
    """Return the `config_dir` that --config-dir names on the command line; nothing without that flag.

    Args:
        hydra: Hydra's node of a composed config.
    """
    typed = [source.path for source in hydra.runtime.config_sources if source.provider == "command-line"]
    return {"config_dir": typed[0]} if typed else {}


def swept_by_files(config: DictConfig) -> dict[str, str]:
    """Return the keys that `hydra.sweeper.params` of a composed config sweeps, each with its values.

    Raises:
        UserError: it is no mapping.
    """
    params = config.hydra.sweeper.get("params")
    if params is None:
        return {}
    if not isinstance(params, DictConfig):
        written = as_written(OmegaConf.to_object(params) if isinstance(params, ListConfig) else params)
        raise UserError(f"hydra.sweeper.params={written} must be a mapping, as in {{seed: '1,2'}}")
    return {str(key): str(values) for key, values in params.items()}


def require_possible(job: DictConfig, path: Callable[[], Path]) -> None:
    """Raise UserError if a job resumes or forks a run, and cannot do so in its folder.

    Only then the folder's path is asked for: the name of another may still lack a value, which `check` finds.

    The config need not be checked yet, because this has to be known before `check` loads torch, which takes seconds.
    """
    if job.get("resume") is None and job.get("fork") is None:
        return
    values = plain(job)
    if not all(isinstance(values[key], int | float) for key in ("total_steps", "buffer_size")):
        return  # `check` refuses them
    folder = RunFolder(path())
    require_same_config(values, folder)
    if values["resume"] is not None:
        require_resumable(folder, values["total_steps"])
    elif not has_begun(folder):
        require_forkable(RunFolder(Path(values["fork"])), values)


def _with_overrides(started: DictConfig, cfg: DictConfig, overrides: Sequence[str], source: str) -> DictConfig:
    """Set the overrides on the config of a run.

    Args:
        started: the config of that run.
        cfg: as it was composed, with the options of the groups that were chosen.
        overrides: the words.
        source: the key that names the run, as in messages.
    """
    groups = HydraConfig.get().runtime.choices
    for override in OverridesParser.create().parse_overrides(list(overrides)):
        key = override.key_or_group
        if key in groups and key in MAY_CHANGE and not override.is_delete():
            started[key] = cfg[key]
            OmegaConf.update(started, f"choices.{key}", groups[key])
        else:
            _require_key(started, override, source)
            OmegaConf.update(started, key, override.value())
    return started


def _require_key(started: DictConfig, override: Override, source: str) -> None:
    """Raise UserError unless an override sets a key that a run has, or has a place for."""
    key = override.key_or_group
    (word,) = as_typed([str(override.input_line)])
    if override.is_delete() or key in HydraConfig.get().runtime.choices:
        chosen = (started.get("choices") or {}).get(key)
        before = "" if chosen is None else f" ({key}={chosen})"
        example = "tau" if source == "fork" else "logger.every"
        raise UserError(
            f"{word} cannot be given with {source}: groups stay as the run was started{before}; keys such as "
            f"{example} may change"
        )
    if OmegaConf.select(started, key) is None and key not in flat(started) and not has_place(started, key):
        raise UserError(f"{word}: the run has no such key{nearest(key, flat(started))}")
