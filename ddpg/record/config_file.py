"""The config.yaml of a run folder: reading it, and comparing it with the config that a run is to go on with."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from omegaconf import DictConfig, OmegaConf

from ddpg.config.keys import flat
from ddpg.config.settings import MAY_CHANGE, OF_THE_START, to_yaml
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
    if values.get("fork") is not None and Path(values["fork"]).resolve() == folder.path.resolve():
        raise UserError(
            f"fork={values['fork']} is a new run in another folder: choose another hydra.run.dir (in Python: out), or "
            f"continue that run with resume={values['fork']}"
        )
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
                f"{held(old, key)}; what may change: {', '.join(MAY_CHANGE)}"
            )
        raise UserError(
            f"{folder.path} holds a run with {held(old, key)}, not {as_written(now)}: "
            "choose another hydra.run.dir (-m: hydra.sweep.dir; in Python: out), or continue that run with "
            f"resume={folder.path}"
        )


def held(values: Mapping[str, Any], key: str) -> str:
    """Return what a config has under a key, as it is typed."""
    return f"{key}={as_written(values[key])}" if key in values else f"no {key}"
