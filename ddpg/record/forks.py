"""Whether a run folder can be forked, as far as its config and the names of its files tell."""

from collections.abc import Mapping
from typing import Any

from ddpg.config.forks import may_fork
from ddpg.config.keys import flat
from ddpg.config.settings import FORK, MAY_CHANGE, OF_THE_START
from ddpg.config.spelling import as_written
from ddpg.errors import UserError
from ddpg.record.config_file import held
from ddpg.record.run_folder import RunFolder, read_yaml


def has_begun(folder: RunFolder) -> bool:
    """Whether a folder has the state of a run; a fork that was cut short by a kill has none."""
    return folder.checkpoints.exists() or folder.status().get("env_step", 0) > 0


def require_forkable(source: RunFolder, config: Mapping[str, Any]) -> None:
    """Raise UserError if a run has no state that a fork with this config could continue.

    Args:
        source: the run.
        config: the checked config of the fork, in plain values.
    """
    if not source.config.exists():
        raise UserError(f"fork={config['fork']} is gone, and the new run has no checkpoint of its own to go on from")
    started = read_yaml(source.config)
    _require_same_state(started, config)
    _require_own_name(started, config)
    env_step = source.saved_step()
    if env_step == 0:
        raise UserError(f"fork={config['fork']} has no checkpoint yet, which a fork continues")
    if not source.has_replay():
        raise UserError(
            f"fork={config['fork']} has no replay memory, which a fork continues: it is gone since the end of that run "
            "(checkpoint.keep_replay=false)"
        )
    require_beyond(started, config, env_step)


def _require_own_name(started: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    """Raise UserError for another environment under the name of the one before."""
    before = started["env"]
    env = config["env"]
    if env.get("id") != before.get("id") and env["name"] == before["name"]:
        raise UserError(f"env.id={env['id']} needs a name of its own with fork={config['fork']}: env.name=NAME")


def _require_same_state(started: Mapping[str, Any], config: Mapping[str, Any]) -> None:
    """Raise UserError if a fork has another value of a key that the state of the run was made with."""
    old = flat(started)
    new = flat(config)
    for key in sorted({*new, *old}):
        before = old.get(key)
        now = new.get(key)
        if key.split(".")[0] in (*MAY_CHANGE, *OF_THE_START, *FORK) or before == now or isinstance(before or now, dict):
            continue
        if not may_fork(key, started):
            raise UserError(
                f"{key}={as_written(now)} cannot be given with fork={config['fork']}: its state was made with "
                f"{held(old, key)}"
            )


def require_beyond(started: Mapping[str, Any], config: Mapping[str, Any], env_step: int) -> None:
    """Raise UserError if nothing is left to train from an env step on, or if the memory was larger than what is left.

    Args:
        started: the config of the run that is forked.
        config: that of the fork.
        env_step: where the fork begins.
    """
    if config["total_steps"] <= env_step:
        raise UserError(
            f"total_steps={config['total_steps']} is not beyond env step {env_step}, from which a fork of "
            f"{config['fork']} goes on"
        )
    remembered = started["buffer_size"]
    if config["buffer_size"] > remembered and env_step > remembered:
        raise UserError(
            f"buffer_size={config['buffer_size']} cannot be given with fork={config['fork']}: of the {env_step} "
            f"transitions of that run the newest {remembered} are left"
        )
