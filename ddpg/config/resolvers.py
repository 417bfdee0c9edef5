"""The functions that the YAML files of conf/ can call, as in `${task:${.id},name}`."""

import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from ddpg.config.keys import flat
from ddpg.config.names import Names, typed


def register() -> None:
    """Make the functions known to OmegaConf; needed before a config is resolved, and harmless when repeated."""
    OmegaConf.register_new_resolver("task", _task, replace=True)
    OmegaConf.register_new_resolver("rl_zoo", _rl_zoo, replace=True)
    OmegaConf.register_new_resolver("times", _times, replace=True)
    OmegaConf.register_new_resolver("run_name", _run_name, replace=True)


def _task(env_id: str, key: str) -> Any:
    """Return what conf/tasks.yaml says of an environment under a key."""
    return _known_task(str(env_id).rpartition(":")[2])[key]  # without the module of `module:id`


def _times(value: Any, factor: Any) -> Any:
    """Return a product; the value itself if one of the two is no number, which is refused where it is needed."""
    numbers = isinstance(value, int | float) and isinstance(factor, int | float)
    return value * factor if numbers else value


@cache
def _known_task(env_id: str) -> dict[str, Any]:
    """Merge the rows of conf/tasks.yaml that fit an id; the name is the id's where no row has one."""
    known: dict[str, Any] = {}
    for pattern, row in conf_file("tasks.yaml").items():
        match = re.fullmatch(pattern, env_id)
        if match is not None:
            known |= row
            known |= {"name": match.expand(row["name"]).lower()} if "name" in row else {}
    return known if "name" in known else known | {"name": _folder_name(env_id)}


def _folder_name(text: str) -> str:
    """Return a text as a folder can be named."""
    from ddpg.envs import folder_name  # loads gymnasium, which a known id does without

    return folder_name(text)


def _run_name(*, _root_: DictConfig) -> str:
    """Return the name of a run or a sweep: its environment, algorithm and preset, what was typed, and its seed.

    Where it forks a run, all but what was typed is that run's.
    """
    plain: Any = OmegaConf.to_container(_root_)
    hydra = plain.pop("hydra")
    words = hydra["overrides"]["task"]
    known = typed(words)
    excluded = hydra["job"]["config"]["override_dirname"]["exclude_keys"]
    told = {key: value for key, value in known.items() if key not in excluded}
    source = _source(words)
    if source is not None:
        seed = _root_.seed if "seed" in known else source.seed
        return Names(source.env.name, seed, source.get("choices") or {}, told, flat(source), is_fork=True).folder()
    return Names(_root_.env.name, _root_.seed, hydra["runtime"]["choices"], told, flat(plain), is_fork=False).folder()


def _source(words: Sequence[str]) -> Any:
    """Return the config of the run that the words of a command line fork, of the first if there are several."""
    sources = [word.removeprefix("fork=") for word in words if word.startswith("fork=")]
    if not sources:
        return None
    folder = sources[-1].partition("','")[0].strip("'").replace("\\'", "'")
    return OmegaConf.load(Path(folder) / "config.yaml")


def _rl_zoo(env_id: str, key: str) -> Any:
    """Return RL Zoo's number for an environment, which preset=sb3 asks for."""
    rows = conf_file("rl_zoo.yaml")
    return (rows["default"] | rows.get(str(env_id).rpartition(":")[2], {}))[key]


@cache
def conf_file(name: str) -> Any:
    """Return the content of a file of conf/, with its interpolations as they are written; it must not be changed."""
    text = files("ddpg.conf").joinpath(name).read_text("utf-8")
    return OmegaConf.to_container(OmegaConf.create(text))
