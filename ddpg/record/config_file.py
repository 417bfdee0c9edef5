"""The config.yaml of a run folder: reading it, and comparing it with the config that a run is to go on with."""

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig, OmegaConf

from ddpg.config.settings import MAY_CHANGE, flat, to_yaml
from ddpg.config.signature import shown
from ddpg.errors import UserError
from ddpg.record.run_folder import RunFolder


def stored(path: Path) -> DictConfig:
    """The config.yaml of a run; what it MAY_CHANGE and did not know yet when it began has its value of today."""
    today: Any = yaml.safe_load(files("ddpg.conf").joinpath("config.yaml").read_text("utf-8"))
    fixed = {key: today[key] for key in MAY_CHANGE if "${" not in str(today.get(key, "${"))}
    known: Any = OmegaConf.merge(fixed, OmegaConf.load(path))
    return known


def require_same_config(values: Mapping[str, Any], folder: RunFolder) -> None:
    """UserError if the folder holds a run of another config; what MAY_CHANGE lists may differ."""
    if not folder.config.exists() or folder.config.read_text() == to_yaml(values):
        return
    new, old = flat(values), flat(OmegaConf.to_container(OmegaConf.load(folder.config), resolve=True))
    for key in sorted({*new, *old}):
        before, now = old.get(key), new.get(key)
        if key.split(".")[0] not in MAY_CHANGE and before != now and not isinstance(before or now, dict):
            if values["resume"] is not None:
                raise UserError(
                    f"{key}={shown(now)} cannot be given with resume={values['resume']}: that run has "
                    f"{key}={shown(before)}; what may change: {', '.join(MAY_CHANGE[:-1])}"
                )
            raise UserError(
                f"{folder.path} holds a run with {key}={shown(before)}, not {shown(now)}: "
                f"choose another hydra.run.dir (-m: hydra.sweep.dir), or continue that run with resume={folder.path}"
            )
