"""The config.yaml of a run folder: reading it, and comparing it with the config that a run or its fork goes on with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from ddpg.config.forks import may_fork
from ddpg.config.keys import flat
from ddpg.config.settings import FORK, MAY_CHANGE, OF_THE_START, to_yaml
from ddpg.config.spelling import as_written
from ddpg.errors import UserError
from ddpg.record.run_folder import RunFolder


def read_config(path: Path) -> DictConfig:
    """Read the config.yaml of a run."""
    return cast("DictConfig", OmegaConf.load(path))


def require_same_config(values: Mapping[str, Any], folder: RunFolder) -> None:
    """Raise a UserError if the folder holds a run of another config.

    MAY_CHANGE and OF_THE_START may differ, and a config that is composed does not have what a fork continues.
    """
    if not folder.config.exists() or folder.config.read_text(encoding="utf-8") == to_yaml(values):
        return
    old = flat(OmegaConf.to_container(read_config(folder.config), resolve=True))
    new = flat(values)
    for key in sorted({*new, *old}):
        before = old.get(key)
        now = new.get(key)
        may_differ = key.split(".")[0] in (*MAY_CHANGE, *OF_THE_START, "forked")
        if may_differ or before == now or isinstance(before or now, dict):
            continue
        if values["resume"] is not None:
            raise UserError(
                f"{key}={as_written(now)} cannot be given with resume={values['resume']}: that run has "
                f"{_held(old, key)}; what may change: {', '.join(MAY_CHANGE)}"
            )
        raise UserError(
            f"{folder.path} holds a run with {_held(old, key)}, not {as_written(now)}: "
            "choose another hydra.run.dir (-m: hydra.sweep.dir; in Python: out), or continue that run with "
            f"resume={folder.path}"
        )


def require_forkable(started: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Raise a UserError if a config differs from that of the run which it forks in what a fork may not change.

    Args:
        started: the config of the run.
        values: that of the fork.
    """
    old = flat(started)
    new = flat(values)
    for key in sorted({*new, *old}):
        before = old.get(key)
        now = new.get(key)
        if key.split(".")[0] in (*OF_THE_START, *FORK) or before == now or isinstance(before or now, dict):
            continue
        if not may_fork(key, started):
            raise UserError(
                f"{key}={as_written(now)} cannot be given with fork={values['fork']}: its state was made with "
                f"{_held(old, key)}"
            )


def _held(values: Mapping[str, Any], key: str) -> str:
    """Return what a config has under a key, as it is typed."""
    return f"{key}={as_written(values[key])}" if key in values else f"no {key}"
