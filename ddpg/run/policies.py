"""Stored policies: load one, run it for some episodes, record a video."""

from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from pickle import UnpicklingError
from tempfile import TemporaryDirectory
from typing import Literal

import gymnasium as gym
import torch
from omegaconf import DictConfig

from ddpg.config.settings import check
from ddpg.envs import recording
from ddpg.errors import UserError
from ddpg.learner.policy import act
from ddpg.record.config_file import read_config
from ddpg.record.run_folder import RunFolder
from ddpg.run.build import build_actor, make_env
from ddpg.run.env_spec import build_env_spec
from ddpg.training.evaluate import Episodes, Policy, evaluate
from ddpg.training.seeding import derived_seed, process_generators_kept

Which = Literal["last", "best"]


def play(
    folder: RunFolder,
    which: Which,
    episodes: int,
    seed: int,
    video: bool,
    on_step: Callable[[], None] | None = None,
) -> Episodes:
    """Run the last or the best actor of a run, without noise, from starts that training never saw.

    With `video`, the first episode is recorded in `videos/`. `on_step` is called at every step and may raise.
    Raises UserError if the folder has no such actor.
    """
    cfg = check(read_config(folder.config))
    torch.set_num_threads(cfg.threads)
    seeds = [derived_seed(seed, "play", k) for k in range(episodes)]
    with closing(make_env(build_env_spec(cfg), cfg.seed, render=video)) as env:  # one, where only one can exist
        policy = load_policy(cfg, folder, which, env)
        if not video:
            return evaluate(policy, env, seeds, on_step=on_step)
        first = _record(policy, env, seeds[0], folder.videos / f"{which}.mp4", on_step)
        return first.followed_by(evaluate(policy, env, seeds[1:], on_step=on_step))


def load_policy(cfg: DictConfig, folder: RunFolder, which: Which, env: gym.Env) -> Policy:
    """Load a stored actor as a function from an observation, (*obs_shape), to an action, (action_dim,).

    Raises UserError if the folder has no such actor, or one that is damaged or belongs to other networks.
    """
    path = folder.actor if which == "last" else folder.best_actor
    if not path.exists():
        why = "eval.every=null chooses none" if which == "best" and cfg.eval.every is None else "it is not saved yet"
        raise UserError(f"{path} does not exist, the run's {which} actor: {why}")
    actor = build_actor(cfg, env).eval()
    try:
        actor.load_state_dict(torch.load(path, map_location="cpu", weights_only=True)["actor"])
    except (UnpicklingError, RuntimeError, KeyError) as error:
        raise UserError(f"{path} does not hold the actor of {folder.config}: {type(error).__name__}") from error
    return partial(act, actor)


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


def _record(policy: Policy, env: gym.Env, seed: int, path: Path, on_step: Callable[[], None] | None) -> Episodes:
    """Run one episode in an env that draws, and write its video."""
    path.parent.mkdir(exist_ok=True)
    with recording(env, path) as add_frame:
        return evaluate(policy, env, [seed], on_frame=add_frame, on_step=on_step)
