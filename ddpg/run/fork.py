"""Forks: a new run begins where another one stands, with other values.

The config is the only home of values and a checkpoint holds state alone, so a fork is a copy of the newest checkpoint
and of the record up to it, beside a config that differs. From there it goes on as a run that is resumed.
"""

import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from gymnasium import spaces

from ddpg.config.settings import FORK, MAY_CHANGE, OF_THE_START, group, to_yaml
from ddpg.errors import UserError
from ddpg.record.forks import has_begun, require_beyond, require_forkable
from ddpg.record.run_folder import RunFolder, atomic_write, link, read_yaml, sync_names
from ddpg.record.tracking.wandb_identity import known_identity
from ddpg.run.build import eval_seed, make_env
from ddpg.run.env_spec import build_env_spec
from ddpg.run.kernels import by_torch_so_far, recorded_kernels
from ddpg.training.checkpoint import Checkpoints
from ddpg.training.progress import NO_RESULTS
from ddpg.training.stored_actors import keep_best_actors, write_actor

log = logging.getLogger(__name__)


def fork_once(config: Mapping[str, Any], folder: RunFolder, entry: Mapping[str, Any]) -> dict[str, Any]:
    """Fork the run that a config names, unless its folder has begun; return the config with what the fork continues.

    `folder` is that of the new run; `config` and `entry` are as for `fork`, and UserError is raised as there.
    """
    if not has_begun(folder):
        fork(RunFolder(Path(config["fork"])), folder, config, entry)
    return {**config, "forked": read_yaml(folder.config)["forked"]}


def fork(source: RunFolder, target: RunFolder, config: Mapping[str, Any], entry: Mapping[str, Any]) -> int:
    """Begin a run where another stands now; return the env step.

    The source may be training meanwhile. The new folder appears whole or not at all; so does its checkpoint where the
    folder is there already.

    Args:
        source: the run to fork.
        target: the new run.
        config: the checked config of the new run in plain values, with the source as `fork`.
        entry: what provenance.json says of the new run's origin beside the source; its `overrides`, if there are any,
            are put behind those of the source.

    Raises:
        UserError: the source has no checkpoint or no replay memory, its state does not fit the config, or total_steps
            is not beyond it.
    """
    require_forkable(source, config)
    started = read_yaml(source.config)
    require_same_spaces(started, config)
    keeps_best = _learns_alike(started, config) and eval_seed(started) == eval_seed(config)
    place = target.path.resolve()  # where a link leads to another disk, no folder beside the link can be renamed
    built = RunFolder(place.with_name(f".{place.name}.fork"))
    with _built(built.path):
        best = partial(_with_best, source, built, keeps_best)
        state = Checkpoints(source.checkpoints).copy_newest(built.checkpoints, best)
        env_step: int = state["progress"]["env_step"]
        require_beyond(started, config, env_step)
        _copy_record(source, built, state["tracker"]["bytes"])
        write_actor(built.actor, state["actor"], env_step)
        origin = {"configuration": group(started), "env_step": env_step}
        with atomic_write(built.config) as file:
            file.write(to_yaml({**config, "forked": origin}).encode())
        built.write_json(built.provenance, [_entry(source, entry, origin)])
        built.write_status(**_status(source, env_step))
        _move(built.path, place)
    log.info("forked %s at env_step %d", source.path, env_step)
    return env_step


@contextmanager
def _built(path: Path) -> Iterator[None]:
    """Have an empty folder within the block, in the place of what a kill may have left, and none after it."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    try:
        yield
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _learns_alike(started: Mapping[str, Any], config: Mapping[str, Any]) -> bool:
    """Whether a fork goes on as its source would: only then the best of the source is its best, too."""
    outside = (*MAY_CHANGE, *OF_THE_START, *FORK)
    return all(started.get(key) == config.get(key) for key in {*started, *config} if key not in outside)


def require_same_spaces(before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise UserError if another environment has other observations or actions than the one that the state is of.

    Environments are built where they differ.

    Args:
        before: the config of the run that is forked.
        now: the checked config of the fork, in plain values.
    """
    if before["env"] == now["env"]:
        return
    obs_before, action_before = _spaces(before)
    obs_now, action_now = _spaces(now)
    if (obs_now.shape, obs_now.dtype) != (obs_before.shape, obs_before.dtype):
        raise UserError(f"fork={now['fork']} learned from observations {obs_before}, and here they are {obs_now}")
    if action_now != action_before:
        raise UserError(f"fork={now['fork']} learned actions {action_before}, and here they are {action_now}")


def _spaces(config: Mapping[str, Any]) -> tuple[spaces.Space[Any], spaces.Space[Any]]:
    with closing(make_env(build_env_spec(config), config["seed"])) as env:
        return env.observation_space, env.action_space


def _copy_record(source: RunFolder, built: RunFolder, size: int) -> None:
    """Copy the rows up to the checkpoint; raise UserError if there are fewer."""
    with source.metrics.open("rb") as file:
        rows = file.read(size)
    if len(rows) < size:
        raise UserError(f"{source.metrics} does not go with the checkpoint, which was saved after {size} bytes of it")
    with atomic_write(built.metrics) as file:
        file.write(rows)


def _with_best(source: RunFolder, built: RunFolder, keeps_best: bool, state: dict[str, Any]) -> dict[str, Any]:
    """Return the state of a fork: that of its source with the best actor, or one that has no results yet."""
    progress = state["progress"]
    if keeps_best:
        for path in source.best_actors():
            with suppress(FileNotFoundError):  # the source has renamed it
                link(path, built.path / path.name)
        if keep_best_actors(built, progress["evaluated_at"]):
            return state
    return {**state, "progress": {**progress, **NO_RESULTS}}


def _entry(source: RunFolder, entry: Mapping[str, Any], origin: Mapping[str, Any]) -> dict[str, Any]:
    """Return the entry of provenance.json: which run this one is a fork of, and the words that were typed for both."""
    before: list[str] = next((start["overrides"] for start in source.starts() if "overrides" in start), [])
    typed = {word.partition("=")[0].lstrip("+"): word for word in [*before, *entry.get("overrides", [])]}
    known = known_identity(source.path)
    wandb = {} if known is None else {"wandb_id": known.id}
    of = {"run": source.path.resolve().name, **wandb, **origin}
    return {**entry, "overrides": list(typed.values()), "fork": of}


def _status(source: RunFolder, env_step: int) -> dict[str, Any]:
    """Return what status.json says of a run that stands at an env step."""
    by_torch = by_torch_so_far(source)
    kernels = {"kernels": recorded_kernels(source)} | ({} if by_torch is None else {"by_torch": by_torch})
    return {"state": "interrupted", "env_step": env_step, **kernels}


def _move(built: Path, target: Path) -> None:
    """Let a folder appear; of one that is there already the state comes last, by which `has_begun` knows it."""
    sync_names(built)
    if not target.exists():
        built.rename(target)
    else:
        last = ["checkpoint", "status.json"]
        others = [path.name for path in built.iterdir() if path.name not in last]
        for name in [*others, *last]:
            (built / name).replace(target / name)
        sync_names(target)
    sync_names(target.parent)
