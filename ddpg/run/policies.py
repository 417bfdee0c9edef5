"""The stored policies of runs: load one, describe it, try what would draw it."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import gymnasium as gym
import torch
from omegaconf import DictConfig
from torch import nn

from ddpg.config.settings import check, plain
from ddpg.envs import conversions, recording
from ddpg.errors import UserError
from ddpg.policies import Description, Network, Policy, Space
from ddpg.policies.actors import policy_of
from ddpg.policies.description import Which
from ddpg.record.config_file import read_config
from ddpg.record.find_run import require_run
from ddpg.record.provenance import versions
from ddpg.record.run_folder import RunFolder
from ddpg.run.build import build_actor, make_env
from ddpg.run.env_spec import build_env_spec
from ddpg.run.names import with_full_names
from ddpg.training.checkpoint import UNREADABLE, read_tensors
from ddpg.training.seeding import derived_seed, process_generators_kept


def stored_policy(folder: RunFolder, which: Which) -> Policy:
    """Load the last or the best actor of a run as a policy.

    Raises UserError if the folder has no config, no such actor, or one that is damaged or belongs to other networks.
    """
    require_run(folder.path, str(folder.path))
    with config_and_env(folder) as (cfg, env):
        return load_policy(cfg, folder, which, env)


@contextmanager
def config_and_env(folder: RunFolder) -> Iterator[tuple[DictConfig, gym.Env]]:
    """Yield the config of a run and its environment, which its stored actors are built for; it is closed at the end.

    The generators of the process are afterwards as they were. Raises UserError if the environment cannot be made here.
    """
    cfg = check(read_config(folder.config))
    with process_generators_kept(), closing(make_env(build_env_spec(cfg), cfg.seed)) as env:
        yield cfg, env


def load_policy(cfg: DictConfig, folder: RunFolder, which: Which, env: gym.Env) -> Policy:
    """Load a stored actor as a policy, in an environment of the run; raises as `stored_actor` does."""
    return policy_of(*stored_actor(cfg, folder, which, env), "run")


def actor_file(folder: RunFolder, which: Which) -> Path:
    """Return the file with an actor of a run."""
    return folder.actor if which == "last" else folder.best_actor


def stored_actor(cfg: DictConfig, folder: RunFolder, which: Which, env: gym.Env) -> tuple[nn.Module, Description]:
    """Load a stored actor, and describe it.

    Raises UserError if the folder has no such actor, or one that is damaged or belongs to other networks.
    """
    path = actor_file(folder, which)
    if not path.exists():
        why = "eval.every=null chooses none" if which == "best" and cfg.eval.every is None else "it is not saved yet"
        raise UserError(f"{path} does not exist, the run's {which} actor: {why}")
    actor = build_actor(cfg, env)
    made = {name: buffer.clone() for name, buffer in actor.named_buffers()}
    try:
        stored = read_tensors(path)
        weights = stored["actor"]
        env_step = stored["env_step"]
    except UNREADABLE as error:
        raise UserError(f"{path} is damaged: it does not hold the actor of {folder.config}") from error
    try:
        actor.load_state_dict(weights)
    except UNREADABLE as error:
        raise UserError(
            f"{path} does not hold the actor of {folder.config} in its environment, as it is now, but one of another "
            "network or for other spaces"
        ) from error
    _require_same_actions(actor, made, path)
    return actor, describe(cfg, env, which, env_step)


def _require_same_actions(actor: nn.Module, made: Mapping[str, torch.Tensor], path: Path) -> None:
    """Raise UserError if an actor was trained with other bounds of actions than its environment has now.

    `made` are the buffers of the actor as it was made for the environment; a user's network can learn a parameter of
    the name of a bound.
    """
    stored = dict(actor.named_buffers())
    bounds = [name for name in stored if name.rpartition(".")[2] in ("scale", "center")]
    if not all(torch.equal(stored[name], made[name]) for name in bounds if name in made):
        raise UserError(f"the actor in {path} was trained with other bounds of actions than its environment has now")


def describe(cfg: DictConfig, env: gym.Env, which: Which, env_step: int) -> Description:
    """Describe a stored actor of a run in its environment."""
    values = plain(cfg)
    actor = with_full_names(values["network"]["actor"], "network.actor")
    return Description(
        network=Network(
            target=actor.pop("_target_"),
            arguments=actor,
            normalize_obs=values["network"]["normalize_obs"],
            dtype=cfg.dtype,
        ),
        observation=Space.of(env.observation_space),
        action=Space.of(env.action_space),
        environment=values["env"],
        action_repeat=values["env"].get("action_repeat", 1),
        actor=which,
        env_step=env_step,
        seed=cfg.seed,
        versions=versions(),
        conversions=conversions(env),
    )


def require_video(cfg: DictConfig) -> None:
    """Draw one frame and write it as a video, as after the training, which would be too late for a mistake.

    It is drawn in an environment of its own, and no generator of the process is another one afterwards. Raises
    UserError if there is nothing to draw or to write with.
    """
    with process_generators_kept():
        try:
            _write_one_frame(cfg)
        except UserError as error:
            make_env(build_env_spec(cfg), cfg.seed).close()  # raises what has nothing to do with drawing
            raise UserError(f"eval.video=true: {error}") from error


def _write_one_frame(cfg: DictConfig) -> None:
    with closing(make_env(build_env_spec(cfg), cfg.seed, render=True)) as env, TemporaryDirectory() as folder:
        env.reset(seed=derived_seed(cfg.seed, "play", 0))
        with recording(env, Path(folder) / "frame.mp4") as add_frame:
            add_frame(env.render())
