"""Claims the folder of a run or a sweep before Hydra, which knows no locks, writes into it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, read_write

from ddpg.composition.run_config import is_new, run_dir, written
from ddpg.composition.words import quoted
from ddpg.errors import UserError
from ddpg.record.claims import new_folder, release
from ddpg.record.config_file import require_same_config
from ddpg.record.run_folder import RunFolder, require_own_folder
from ddpg.sweep.state.folder import SweepFolder

#: Hydra's key for words that its `hydra.job.override_dirname` leaves out; names of folders leave them out, too.
EXCLUDED = "hydra.job.config.override_dirname.exclude_keys"


def claim_run(config: DictConfig, values: Mapping[str, Any]) -> None:
    """Claim hydra.run.dir; Hydra adds no record of its own to a run that began before.

    Args:
        config: with Hydra's node.
        values: what the run is to be trained with.

    Raises:
        UserError: another process trains there, or the folder has a run of another config, or other runs below it.
    """
    folder = RunFolder(run_dir(config))
    require_own_folder(folder.path, f"hydra.run.dir={folder.path}")
    folder.claim()
    try:
        require_same_config(values, folder)
    except UserError:
        release(folder.path)
        raise
    with read_write(config.hydra):
        config.hydra.run.dir = str(folder.path)
        if folder.config.exists():
            config.hydra.output_subdir = None


def name_jobs(config: DictConfig) -> None:
    """Let the name of a sweep's folder tell what was typed for all its jobs, and the name of each job the rest.

    Jobs are composed from the words of the command line, so what they have to know of the whole sweep is added there.
    """
    if is_new(config.hydra.sweep):
        _set_sweep_dir(config, str(config.hydra.sweep.dir))
    parsed = OverridesParser.create().parse_overrides(written(config)["task"])
    fixed = [override.key_or_group for override in parsed if not override.is_sweep_override()]
    excluded = dict.fromkeys([*config.hydra.job.config.override_dirname.exclude_keys, *fixed])
    _add_to_jobs(config, EXCLUDED, f"[{','.join(map(quoted, excluded))}]")


def claim_sweep(config: DictConfig, new: bool, lock: bool) -> None:
    """Claim hydra.sweep.dir; if it is to be a new folder and another process has made it, one with a number behind.

    Args:
        config: with Hydra's node.
        new: whether the folder is to be a new one.
        lock: whether to keep other commands out of it; workers of one study take turns themselves.

    Raises:
        UserError: another command is at work there.
    """
    path = Path(str(config.hydra.sweep.dir))
    if new:
        path = new_folder(path)
        _set_sweep_dir(config, str(path))
    if lock:
        SweepFolder(path).claim()


def _set_sweep_dir(config: DictConfig, path: str) -> None:
    with read_write(config.hydra):
        config.hydra.sweep.dir = path
    _add_to_jobs(config, "hydra.sweep.dir", quoted(path))


def _add_to_jobs(config: DictConfig, key: str, value: str) -> None:
    """Add KEY=VALUE to the words that all jobs of a sweep are composed from."""
    with read_write(config.hydra):
        others = [word for word in written(config)["hydra"] if not word.startswith(f"{key}=")]
        config.hydra.overrides.hydra = [*others, f"{key}={value}"]
