"""From a checked config to objects: which value goes where is said here and nowhere else."""

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from hydra.utils import instantiate
from omegaconf import DictConfig

from ddpg.config.given import asked, network_argument, nodes, optimizer_argument
from ddpg.config.signature import parameters_of
from ddpg.envs import EnvSpec
from ddpg.errors import UserError, one_line, typed_line
from ddpg.learner.networks import Normalized, RunningNorm, batch_norms
from ddpg.learner.noise import Noise
from ddpg.learner.protocol import Agent
from ddpg.learner.replay import ReplayBuffer
from ddpg.record.run_folder import RunFolder
from ddpg.record.tracking import LoggerSettings, Tracker
from ddpg.run.machine import available_memory, torch_device
from ddpg.training.environments import Environments
from ddpg.training.schedule import Schedule
from ddpg.training.seeding import Generators, derived_seed
from ddpg.training.trainer import Trainer

log = logging.getLogger(__name__)


def build(node: DictConfig, key: str, **given: Any) -> Any:
    """Make what the `_target_` of a node names, from the node's values and what it asks for of `given`.

    Raises UserError, in one line with the key, for whatever the constructor raises.
    """
    try:
        return instantiate(node, **asked(node["_target_"], given), _convert_="all")
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


class Networks:
    """Makes the networks of a config for the spaces of an env; they share what is known of the observations."""

    def __init__(self, cfg: DictConfig, env: gym.Env, device: torch.device) -> None:
        self._cfg = cfg
        self._device = device
        obs_space, bounds = _spaces(env)
        self.low = torch.from_numpy(bounds.low)
        self.high = torch.from_numpy(bounds.high)
        self._shape = list(obs_space.shape)
        try:
            clip = cfg.network.normalize_obs
            self._norm = None if clip is None else RunningNorm(self._shape, clip)
        except ValueError as error:
            raise UserError(f"network.{error}") from error

    def make(self, name: str, outputs: int = 1) -> torch.nn.Module:
        """Make the network of the node `network.NAME`, with fresh weights; it is called for each of several.

        `outputs` is how many numbers a critic gives for each (s, a).
        """
        node = self._cfg.network[name]
        if outputs != 1 and "outputs" not in parameters_of(node["_target_"]):
            raise UserError(f"network.{name}: {node['_target_']} takes no argument outputs, which is {outputs} here")
        network: torch.nn.Module = build(
            node,
            f"network.{name}",
            obs_shape=self._shape,
            low=self.low,
            high=self.high,
            action_dim=len(self.low),
            outputs=outputs,
        )
        network = network.to(_dtype(self._cfg))
        return (network if self._norm is None else Normalized(self._norm, network)).to(self._device)


def build_actor(cfg: DictConfig, env: gym.Env) -> torch.nn.Module:
    """Make the actor alone, to load weights into."""
    with _initial_weights(cfg.seed):
        return Networks(cfg, env, torch.device("cpu")).make("actor")


def build_agent(cfg: DictConfig, env: gym.Env, device: torch.device) -> Agent:
    """Make the learner: networks, their targets and optimizers."""
    networks = Networks(cfg, env, device)
    parts = {network_argument(name): partial(networks.make, name) for name in nodes(cfg.network)} | {
        optimizer_argument(name): build(cfg.optimizer[name], f"optimizer.{name}") for name in nodes(cfg.optimizer)
    }
    with _initial_weights(cfg.seed):
        agent: Agent = build(
            cfg.algorithm,
            "algorithm",
            tau=cfg.tau,
            **parts,
            low=networks.low.to(device, _dtype(cfg)),
            high=networks.high.to(device, _dtype(cfg)),
            # on the host, so that the draws are the same on every device
            generator=torch.Generator().manual_seed(derived_seed(cfg.seed, "smoothing", 0)),
        )
    if cfg.batch_size == 1 and any(batch_norms(network) for network in agent.networks.values()):
        raise UserError("batch_size=1 is too small for batch norm: at least 2, or network.*.norm=none or layer")
    return agent


def accelerate(cfg: DictConfig, agent: Agent, replay: ReplayBuffer, device: torch.device) -> str:
    """Make the learner faster, if the config wants it; give the name of the kernels that compute updates."""
    if not _compiles(cfg):
        return "torch"
    from ddpg.fast.accelerate import accelerate  # only what is used is imported

    return accelerate(agent, replay, device)


def _compiles(cfg: DictConfig) -> bool:
    """Whether updates are recorded; `auto`: where all classes are of this package.

    Nobody knows what a class from elsewhere reads beside tensors, which a recording would not see.
    """
    if cfg.compile != "auto":
        return bool(cfg.compile)
    parts = [group[name] for group in (cfg.network, cfg.optimizer) for name in nodes(group)]
    return all(node["_target_"].startswith("ddpg.") for node in (cfg.algorithm, *parts))


def transition_bytes(env: gym.Env) -> int:
    """What one transition of the environment takes in the replay memory."""
    obs, actions = _spaces(env)
    return ReplayBuffer.bytes_needed(1, math.prod(obs.shape) * obs.dtype.itemsize, actions.shape[0])


def build_replay(cfg: DictConfig, env: gym.Env, device: torch.device, rng: np.random.Generator) -> ReplayBuffer:
    """Make the replay buffer; UserError if what the run will put into it does not fit this machine."""
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
        cfg.replay,
        "replay",
        gamma=cfg.gamma,
        buffer_size=size,
        obs_shape=list(obs.shape),
        obs_dtype=obs.dtype,
        action_dim=actions.shape[0],
        rng=rng,
        device=device,
        dtype=_dtype(cfg),
    )
    return replay


def build_trainer(cfg: DictConfig, folder: RunFolder, tracker: Tracker) -> tuple[Trainer, str]:
    """Make one run, ready to train, and name the kernels that compute its updates."""
    spec = build_env_spec(cfg)
    device = torch_device(cfg.device)
    env = spec.make()
    generators = Generators(cfg.seed, ("warmup", "noise", "replay", "diagnostics"))
    agent = build_agent(cfg, env, device)
    replay = build_replay(cfg, env, device, generators["replay"])
    kernels = accelerate(cfg, agent, replay, device)
    bounds = _spaces(env)[1]
    noise: Noise = build(
        cfg.noise,
        "noise",
        actor=agent.networks["actor"],
        action_scale=(bounds.high - bounds.low) / 2,
        rng=generators["noise"],
    )
    schedule = build_schedule(cfg)
    if schedule.total_updates() == 0:
        log.warning(
            "nothing will be learned: no update falls due within total_steps=%d with learning_starts=%d, "
            "update_every=%s and updates_per_step=%g",
            cfg.total_steps,
            cfg.learning_starts,
            cfg.update_every,
            cfg.updates_per_step,
        )
    environments = Environments(spec.make, env, spec.make(), spec.resets_fully)
    trainer = Trainer(
        agent=agent,
        noise=noise,
        replay=replay,
        environments=environments,
        tracker=tracker,
        folder=folder,
        schedule=schedule,
        seed=cfg.seed,
        generators=generators,
    )
    return trainer, kernels


def build_schedule(cfg: DictConfig) -> Schedule:
    """The run's numbers of steps."""
    return Schedule(
        total_steps=cfg.total_steps,
        random_steps=cfg.random_steps,
        learning_starts=cfg.learning_starts,
        batch_size=cfg.batch_size,
        updates_per_step=cfg.updates_per_step,
        update_every=cfg.update_every,
        eval_every=cfg.eval.every,
        eval_episodes=cfg.eval.episodes,
        checkpoint_every=cfg.checkpoint.every,
        log_every=cfg.logger.every,
    )
