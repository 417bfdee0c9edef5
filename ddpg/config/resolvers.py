"""The functions that the YAML files of conf/ can call, as in `${folder_name:${.id}}`."""

from functools import cache
from importlib.resources import files
from typing import Any

from omegaconf import OmegaConf


def register() -> None:
    """Make the functions known to OmegaConf; needed before a config is resolved, and harmless when repeated."""
    OmegaConf.register_new_resolver("folder_name", _folder_name, replace=True)
    OmegaConf.register_new_resolver("rl_zoo", _rl_zoo, replace=True)


def _folder_name(text: str) -> str:
    """Return a text as a folder can be named."""
    from ddpg.envs import folder_name  # loads gymnasium, which --help does without

    return folder_name(text)


def _rl_zoo(env_id: str, key: str) -> Any:
    """Return RL Zoo's number for an environment, which preset=sb3 asks for."""
    rows = _rl_zoo_rows()
    return (rows["default"] | rows.get(env_id, {}))[key]


@cache
def _rl_zoo_rows() -> Any:
    text = files("ddpg.conf").joinpath("rl_zoo.yaml").read_text("utf-8")
    return OmegaConf.to_container(OmegaConf.create(text))
