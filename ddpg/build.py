"""From a checked config to objects: which value goes where is said here and nowhere else."""

from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from hydra.utils import instantiate
from omegaconf import DictConfig

from ddpg.agent import DDPG, batch_norms
from ddpg.envs import EnvSpec
from ddpg.errors import UserError
from ddpg.machine import available_memory, torch_device
from ddpg.replay import ReplayBuffer
from ddpg.run_folder import RunFolder
from ddpg.seeding import derived_seed, generator
from ddpg.tracking import LoggerSettings, Tracker
from ddpg.trainer import Schedule, Trainer


def build(node: DictConfig, key: str, **given: Any) -> Any:
    """What the `_target_` of a node makes of the node's values and of what the program gives it.

    Raises UserError, in one line with the key, for whatever the constructor raises.
    """
    try:
        return instantiate(node, **given, _convert_="all", _recursive_=False)
    except Exception as error:
        cause = error.__cause__ or error  # hydra wraps what the constructor raised
        if isinstance(cause, UserError):
            raise cause from error
        reason = " ".join(str(cause).split())
        if not isinstance(cause, ValueError):  # not written to be read by users, so the name helps
            reason = f"{type(cause).__name__}: {reason}"
        about_a_value = reason.partition("=")[0] in node  # then it reads as an override
        raise UserError(f"{key}.{reason}" if about_a_value else f"{key}: {reason}") from error


def build_env_spec(cfg: DictConfig) -> EnvSpec:
    """How to make the run's environment."""
    return instantiate(cfg.env, _convert_="all")


def build_logger(cfg: DictConfig) -> LoggerSettings:
    """What is logged where."""
    return instantiate(cfg.logger, _convert_="all")


def _dimensions(env: gym.Env) -> tuple[int, spaces.Box]:
    """Numbers in an observation, and the bounds of the actions."""
    assert isinstance(env.observation_space, spaces.Box)  # what EnvSpec.make lets through
    assert isinstance(env.action_space, spaces.Box)
    return env.observation_space.shape[0], env.action_space


def build_networks(cfg: DictConfig, env: gym.Env) -> tuple[torch.nn.Module, torch.nn.Module]:
    """Actor and critic for the spaces of `env`, with initial weights that depend on the seed alone."""
    obs_dim, bounds = _dimensions(env)
    low, high = torch.from_numpy(bounds.low), torch.from_numpy(bounds.high)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(cfg.seed, "network", 0))
        actor = build(cfg.network.actor, "network.actor", obs_dim=obs_dim, low=low, high=high)
        critic = build(cfg.network.critic, "network.critic", obs_dim=obs_dim, action_dim=len(low))
    return actor, critic


def build_agent(cfg: DictConfig, env: gym.Env, device: torch.device) -> DDPG:
    """The learner: networks, their targets and optimizers."""
    actor, critic = build_networks(cfg, env)
    if cfg.batch_size == 1 and (batch_norms(actor) or batch_norms(critic)):
        raise UserError("batch_size=1 is too small for batch norm: at least 2, or network.*.norm=none or layer")
    return build(
        cfg.algorithm, "algorithm", actor=actor.to(device), critic=critic.to(device),
        actor_optimizer=build(cfg.optimizer.actor, "optimizer.actor"),
        critic_optimizer=build(cfg.optimizer.critic, "optimizer.critic"),
        gamma=cfg.gamma, tau=cfg.tau, policy_delay=cfg.policy_delay,
    )  # fmt: skip


def build_replay(cfg: DictConfig, env: gym.Env, device: torch.device, rng: np.random.Generator) -> ReplayBuffer:
    """The replay memory; UserError if what the run will put into it does not fit this machine."""
    obs_dim, bounds = _dimensions(env)
    size = min(cfg.buffer_size, cfg.total_steps)  # the rest would never be filled
    needed = ReplayBuffer.bytes_needed(size, obs_dim, len(bounds.low))
    available = available_memory()
    if available is not None and needed > available:
        raise UserError(
            f"buffer_size={cfg.buffer_size} needs {needed / 2**30:.1f} GiB for observations of {obs_dim} numbers, "
            f"and {available / 2**30:.1f} GiB are free here: at most {int(size * available / needed)} fit"
        )
    return build(
        cfg.replay, "replay",
        buffer_size=size, obs_dim=obs_dim, action_dim=len(bounds.low), rng=rng, device=device,
    )  # fmt: skip


def build_trainer(cfg: DictConfig, folder: RunFolder, tracker: Tracker) -> Trainer:
    """One run, ready to train."""
    spec, device = build_env_spec(cfg), torch_device(cfg.device)
    env = spec.make()
    generators = {name: generator(cfg.seed, name) for name in ("warmup", "noise", "replay")}
    bounds = _dimensions(env)[1]
    return Trainer(
        agent=build_agent(cfg, env, device),
        noise=build(cfg.noise, "noise", action_scale=(bounds.high - bounds.low) / 2, rng=generators["noise"]),
        replay=build_replay(cfg, env, device, generators["replay"]),
        env=env, make_env=spec.make, resets_fully=spec.resets_fully, tracker=tracker, folder=folder,
        schedule=build_schedule(cfg), seed=cfg.seed, generators=generators,
    )  # fmt: skip


def build_schedule(cfg: DictConfig) -> Schedule:
    """The run's numbers of steps."""
    return Schedule(
        total_steps=cfg.total_steps, random_steps=cfg.random_steps, learning_starts=cfg.learning_starts,
        batch_size=cfg.batch_size, updates_per_step=cfg.updates_per_step,
        eval_every=cfg.eval.every, eval_episodes=cfg.eval.episodes,
        checkpoint_every=cfg.checkpoint.every, log_every=cfg.logger.every,
    )  # fmt: skip
