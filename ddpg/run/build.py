"""From a checked config to objects: which value goes where is said here and nowhere else."""

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from hydra.utils import instantiate
from omegaconf import DictConfig

from ddpg.envs import EnvSpec
from ddpg.errors import UserError, one_line, typed_line
from ddpg.fast.native import Kernels, kernels
from ddpg.learner.agent import DDPG
from ddpg.learner.networks import Normalized, RunningNorm, batch_norms
from ddpg.learner.replay import ReplayBuffer
from ddpg.record.run_folder import RunFolder
from ddpg.record.tracking import LoggerSettings, Tracker
from ddpg.run.machine import available_memory, torch_device
from ddpg.training.schedule import Schedule
from ddpg.training.seeding import derived_seed, generator
from ddpg.training.trainer import Trainer

log = logging.getLogger(__name__)


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
        # a ValueError is written for users; of another exception the name of its class helps
        reason = one_line(cause) if isinstance(cause, ValueError) else typed_line(cause)
        about_a_value = reason.partition("=")[0] in node  # then it reads as an override
        raise UserError(f"{key}.{reason}" if about_a_value else f"{key}: {reason}") from error


def build_env_spec(cfg: DictConfig) -> EnvSpec:
    """How to make the run's environment."""
    return instantiate(cfg.env, _convert_="all")


def build_logger(cfg: DictConfig) -> LoggerSettings:
    """What is logged where."""
    return instantiate(cfg.logger, _convert_="all")


def _spaces(env: gym.Env) -> tuple[spaces.Box, spaces.Box]:
    """Of observations and of actions."""
    assert isinstance(env.observation_space, spaces.Box)  # what EnvSpec.make lets through
    assert isinstance(env.action_space, spaces.Box)
    return env.observation_space, env.action_space


def _dtype(cfg: DictConfig) -> torch.dtype:
    """The number format of networks and updates."""
    return getattr(torch, cfg.dtype)


@contextmanager
def _initial_weights(seed: int) -> Iterator[None]:
    """Within it, networks get weights that depend on the seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(seed, "network", 0))
        yield


class NetworkFactory:
    """Makes the networks of a config for the spaces of an env; all of them share what is known of the observations."""

    def __init__(self, cfg: DictConfig, env: gym.Env) -> None:
        self._node, self._dtype = cfg.network, _dtype(cfg)
        obs_space, bounds = _spaces(env)
        self._shape = list(obs_space.shape)
        self.low, self.high = torch.from_numpy(bounds.low), torch.from_numpy(bounds.high)
        try:
            clip = cfg.network.normalize_obs
            self._norm = None if clip is None else RunningNorm(self._shape, clip)
        except ValueError as error:
            raise UserError(f"network.{error}") from error

    def actor(self) -> torch.nn.Module:
        """mu, with fresh weights."""
        given = {"obs_shape": self._shape, "low": self.low, "high": self.high}
        return self._finished(build(self._node.actor, "network.actor", **given))

    def critic(self) -> torch.nn.Module:
        """One Q, with fresh weights."""
        given = {"obs_shape": self._shape, "action_dim": len(self.low)}
        return self._finished(build(self._node.critic, "network.critic", **given))

    def _finished(self, network: torch.nn.Module) -> torch.nn.Module:
        network = network.to(self._dtype)
        return network if self._norm is None else Normalized(self._norm, network)


def build_actor(cfg: DictConfig, env: gym.Env) -> torch.nn.Module:
    """The actor alone, to load weights into."""
    with _initial_weights(cfg.seed):
        return NetworkFactory(cfg, env).actor()


def build_agent(cfg: DictConfig, env: gym.Env, device: torch.device) -> DDPG:
    """The learner: networks, their targets and optimizers."""
    networks = NetworkFactory(cfg, env)
    low, high = (bound.to(device, _dtype(cfg)) for bound in (networks.low, networks.high))
    generator = torch.Generator().manual_seed(derived_seed(cfg.seed, "smoothing", 0))  # the same on every device
    with _initial_weights(cfg.seed):
        agent: DDPG = build(
            cfg.algorithm, "algorithm", low=low, high=high, generator=generator, tau=cfg.tau,
            actor=networks.actor().to(device), make_critic=lambda: networks.critic().to(device),
            actor_optimizer=build(cfg.optimizer.actor, "optimizer.actor"),
            critic_optimizer=build(cfg.optimizer.critic, "optimizer.critic"),
        )  # fmt: skip
    if _compiles(cfg):
        agent.compile(_native(cfg, device))
    if cfg.batch_size == 1 and (batch_norms(agent.actor) or batch_norms(agent.critic)):
        raise UserError("batch_size=1 is too small for batch norm: at least 2, or network.*.norm=none or layer")
    return agent


def _compiles(cfg: DictConfig) -> bool:
    """`auto`: nobody knows what else than tensors a class from elsewhere reads, and a recording would not see it."""
    nodes = (cfg.algorithm, cfg.network.actor, cfg.network.critic, cfg.optimizer.actor, cfg.optimizer.critic)
    own = all(node["_target_"].startswith("ddpg.") for node in nodes)
    return own if cfg.compile == "auto" else cfg.compile


def _native(cfg: DictConfig, device: torch.device) -> Kernels | None:
    """The native kernels, which are for the CPU."""
    return kernels() if _compiles(cfg) and device.type == "cpu" else None


def transition_bytes(env: gym.Env) -> int:
    """What one transition of the environment takes in the replay memory."""
    obs, actions = _spaces(env)
    return ReplayBuffer.bytes_needed(1, math.prod(obs.shape) * obs.dtype.itemsize, actions.shape[0])


def build_replay(cfg: DictConfig, env: gym.Env, device: torch.device, rng: np.random.Generator) -> ReplayBuffer:
    """The replay memory; UserError if what the run will put into it does not fit this machine."""
    obs, actions = _spaces(env)
    size = min(cfg.buffer_size, cfg.total_steps)  # the rest would never be filled
    needed = size * transition_bytes(env)
    available = available_memory()
    if available is not None and needed > available:
        raise UserError(
            f"buffer_size={cfg.buffer_size} needs {needed / 2**30:.1f} GiB for observations of {math.prod(obs.shape)} "
            f"numbers, and {available / 2**30:.1f} GiB are free here: at most {int(size * available / needed)} fit"
        )
    replay: ReplayBuffer = build(
        cfg.replay, "replay", gamma=cfg.gamma, buffer_size=size, obs_shape=list(obs.shape), obs_dtype=obs.dtype,
        action_dim=actions.shape[0], rng=rng, device=device, dtype=_dtype(cfg),
    )  # fmt: skip
    native = _native(cfg, device)
    if native is not None and isinstance(replay, ReplayBuffer):
        replay.compile(native)
    return replay


def build_trainer(cfg: DictConfig, folder: RunFolder, tracker: Tracker) -> Trainer:
    """One run, ready to train."""
    spec, device = build_env_spec(cfg), torch_device(cfg.device)
    env = spec.make()
    generators = {name: generator(cfg.seed, name) for name in ("warmup", "noise", "replay", "diagnostics")}
    bounds, agent, schedule = _spaces(env)[1], build_agent(cfg, env, device), build_schedule(cfg)
    if schedule.total_updates() == 0:
        log.warning(
            "nothing will be learned: no update falls due within total_steps=%d with learning_starts=%d, "
            "update_every=%s and updates_per_step=%g",
            cfg.total_steps, cfg.learning_starts, cfg.update_every, cfg.updates_per_step,
        )  # fmt: skip
    scale, rng = (bounds.high - bounds.low) / 2, generators["noise"]
    return Trainer(
        agent=agent, noise=build(cfg.noise, "noise", actor=agent.actor, action_scale=scale, rng=rng),
        replay=build_replay(cfg, env, device, generators["replay"]),
        env=env, make_env=spec.make, resets_fully=spec.resets_fully, tracker=tracker, folder=folder,
        schedule=schedule, seed=cfg.seed, generators=generators,
    )  # fmt: skip


def build_schedule(cfg: DictConfig) -> Schedule:
    """The run's numbers of steps."""
    return Schedule(
        total_steps=cfg.total_steps, random_steps=cfg.random_steps, learning_starts=cfg.learning_starts,
        batch_size=cfg.batch_size, updates_per_step=cfg.updates_per_step, update_every=cfg.update_every,
        eval_every=cfg.eval.every, eval_episodes=cfg.eval.episodes,
        checkpoint_every=cfg.checkpoint.every, log_every=cfg.logger.every,
    )  # fmt: skip
