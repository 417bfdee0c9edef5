"""From a checked config to objects. Nothing else says which value goes to which constructor."""

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import torch
from gymnasium import spaces
from omegaconf import DictConfig
from torch import nn

from ddpg.config.given import network_argument, nodes, optimizer_argument
from ddpg.config.signature import parameters_of
from ddpg.constructors import is_ours
from ddpg.envs import EnvSpec, VectorEnv
from ddpg.errors import UserError, kind_of
from ddpg.interrupt import InterruptFlag
from ddpg.learner.networks import Normalized, RunningNorm
from ddpg.learner.noise import Noise
from ddpg.learner.protocol import Agent, Optimizer, OptimizerFactory
from ddpg.learner.replay import ReplayBuffer
from ddpg.record.run_folder import RunFolder
from ddpg.record.tracking import LoggerSettings, Tracker
from ddpg.run.agent_checks import require_agent
from ddpg.run.checks import require_memory, require_output
from ddpg.run.contracts import require_contract
from ddpg.run.env_spec import build_env_spec
from ddpg.run.machine import torch_device
from ddpg.run.names import constructors_with_names
from ddpg.run.node import build
from ddpg.training.environments import Environments
from ddpg.training.schedule import Schedule
from ddpg.training.seeding import Generators, derived_seed, seed_process
from ddpg.training.trainer import Trainer


def build_environments(cfg: DictConfig) -> Environments:
    """Make the environments of the run."""
    spec = build_env_spec(cfg)
    return Environments(partial(make_env, spec, cfg.seed), spec.reset_fixes_episode, spec.single)


def make_env(spec: EnvSpec, seed: int, render: bool = False) -> VectorEnv:
    """Make an environment; a run's seed fixes what its constructor draws from the generators of the process."""
    seed_process(derived_seed(seed, "construction", 0))
    return spec.make(render)


def build_logger(cfg: DictConfig) -> LoggerSettings:
    """Make the settings that say what is logged, and where."""
    return build(cfg.logger, "logger", LoggerSettings)


def _spaces(env: gym.Env) -> tuple[spaces.Box, spaces.Box]:
    """Return the spaces of observations and of actions."""
    assert isinstance(env.observation_space, spaces.Box)  # EnvSpec.make lets nothing else through
    assert isinstance(env.action_space, spaces.Box)
    return env.observation_space, env.action_space


def _dtype(cfg: DictConfig) -> torch.dtype:
    """Return the number format of networks and updates."""
    return getattr(torch, cfg.dtype)


@contextmanager
def _initial_weights(seed: int) -> Iterator[None]:
    """Let networks that are made within the block get weights that depend on the seed alone."""
    before = torch.get_default_dtype()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derived_seed(seed, "network", 0))
        torch.set_default_dtype(torch.float32)  # in which weights are drawn, whatever format they get
        try:
            yield
        finally:
            torch.set_default_dtype(before)


class Networks:
    """Makes the networks of a config for the spaces of an env; all share one running normalization, if there is one."""

    def __init__(self, cfg: DictConfig, env: gym.Env, device: torch.device) -> None:
        self._cfg = cfg
        self._device = device
        obs_space, action_space = _spaces(env)
        self.low = torch.from_numpy(action_space.low)
        self.high = torch.from_numpy(action_space.high)
        self._obs_shape = list(obs_space.shape)
        self._obs_dtype = obs_space.dtype
        try:
            clip = cfg.network.normalize_obs
            self._norm = None if clip is None else RunningNorm(self._obs_shape, clip)
        except ValueError as error:
            raise UserError(f"network.{error}") from error

    def make(self, name: str, outputs: int = 1) -> nn.Module:
        """Make a network of the node `network.NAME` with fresh weights; each call makes another one.

        `outputs` is how many numbers a critic gives for each (s, a).
        """
        node = self._cfg.network[name]
        if outputs != 1 and "outputs" not in parameters_of(node["_target_"]):
            raise UserError(f"network.{name}: {node['_target_']} takes no argument outputs, which is {outputs} here")
        network: nn.Module = build(
            node,
            f"network.{name}",
            obs_shape=self._obs_shape,
            low=self.low,
            high=self.high,
            action_dim=len(self.low),
            outputs=outputs,
        )
        if not isinstance(network, nn.Module):
            raise UserError(f"network.{name}._target_={node['_target_']} makes {kind_of(network)}, no Module")
        network = network.to(_dtype(self._cfg))
        if not is_ours(node["_target_"]):
            self._require_output(network, name, outputs)
        if self._norm is not None:
            network = Normalized(self._norm, network)
        return network.to(self._device)

    def _require_output(self, network: nn.Module, name: str, outputs: int) -> None:
        """Check what a user's network gives, if it is one of those whose inputs are known."""
        dtype = torch.uint8 if self._obs_dtype == np.uint8 else _dtype(self._cfg)
        obs = torch.zeros(2, *self._obs_shape, dtype=dtype)
        action = torch.zeros(2, len(self.low), dtype=_dtype(self._cfg))
        target = self._cfg.network[name]["_target_"]
        if name == "actor":
            require_output(network, [obs], action.shape, target, f"network.{name}")
        elif name == "critic":
            shape = [2] if outputs == 1 else [2, outputs]
            require_output(network, [obs, action], shape, target, f"network.{name}")


def build_actor(cfg: DictConfig, env: gym.Env) -> nn.Module:
    """Make the actor alone, to load weights into. Raises UserError if the config has none."""
    if "actor" not in cfg.network:
        raise UserError("network.actor is missing, which is the policy: it is stored, and made anew from this node")
    with _initial_weights(cfg.seed):
        return Networks(cfg, env, torch.device("cpu")).make("actor")


def build_agent(cfg: DictConfig, env: gym.Env, device: torch.device) -> Agent:
    """Make the algorithm with its networks and optimizers."""
    networks = Networks(cfg, env, device)
    factories: dict[str, Any] = {}
    for name in nodes(cfg.network):
        factories[network_argument(name)] = partial(networks.make, name)
    for name in nodes(cfg.optimizer):
        factories[optimizer_argument(name)] = _optimizer_factory(cfg.optimizer[name], f"optimizer.{name}")
    with _initial_weights(cfg.seed):
        agent: Agent = build(
            cfg.algorithm,
            "algorithm",
            Agent,
            tau=cfg.tau,
            **factories,
            low=networks.low.to(device, _dtype(cfg)),
            high=networks.high.to(device, _dtype(cfg)),
            # on the host, so that the draws are the same on every device
            generator=torch.Generator().manual_seed(derived_seed(cfg.seed, "smoothing", 0)),
        )
    require_agent(agent, build_actor(cfg, env), cfg.algorithm)
    constructors_with_names(cfg.network.actor, "network.actor")  # by which its policies will be described
    return agent


def _optimizer_factory(node: DictConfig, key: str) -> OptimizerFactory:
    """Make the function that makes an optimizer of some parameters, and checks it."""
    if "params" in parameters_of(node["_target_"]) and not node.get("_partial_"):
        raise UserError(f"{key}._partial_ must be true: {node['_target_']} gets its params later")
    factory = build(node, key)
    if not callable(factory):
        raise UserError(f"{key}._target_={node['_target_']} makes {kind_of(factory)}, no function of params")

    def make(params: Iterable[nn.Parameter]) -> Optimizer:
        optimizer: Optimizer = factory(params)
        require_contract(optimizer, Optimizer, node, key)
        return optimizer

    return make


def transition_bytes(env: gym.Env) -> int:
    """Return the size of one transition in the replay buffer, in bytes."""
    obs_space, action_space = _spaces(env)
    obs_bytes = math.prod(obs_space.shape) * obs_space.dtype.itemsize
    return ReplayBuffer.bytes_needed(1, obs_bytes, action_space.shape[0])


def build_replay(cfg: DictConfig, env: gym.Env, device: torch.device, rng: np.random.Generator) -> ReplayBuffer:
    """Make the replay buffer.

    Raises UserError if the transitions that the run will put into it do not fit this machine.
    """
    obs_space, action_space = _spaces(env)
    size = min(cfg.buffer_size, cfg.total_steps)  # the rest would never be filled
    require_memory(cfg, size, transition_bytes(env), obs_space.shape)
    return build(
        cfg.replay,
        "replay",
        ReplayBuffer,
        gamma=cfg.gamma,
        buffer_size=size,
        obs_shape=list(obs_space.shape),
        obs_dtype=obs_space.dtype,
        action_dim=action_space.shape[0],
        rng=rng,
        device=device,
        dtype=_dtype(cfg),
    )


def build_noise(cfg: DictConfig, env: gym.Env, actor: nn.Module, rng: np.random.Generator) -> Noise:
    """Make the exploration noise for the actor that acts."""
    bounds = _spaces(env)[1]
    action_scale = (bounds.high - bounds.low) / 2
    return build(cfg.noise, "noise", Noise, actor=actor, action_scale=action_scale, rng=rng)


def build_trainer(cfg: DictConfig, folder: RunFolder, tracker: Tracker, interrupt: InterruptFlag) -> Trainer:
    """Make everything that one run consists of, ready to train; where that fails, no environment stays open."""
    device = torch_device(cfg.device)
    with ExitStack() as opened:
        environments = build_environments(cfg)
        opened.callback(environments.close)
        env = environments.training
        generators = Generators(cfg.seed, ("warmup", "noise", "replay", "diagnostics"))
        agent = build_agent(cfg, env, device)
        trainer = Trainer(
            agent=agent,
            noise=build_noise(cfg, env, agent.networks["actor"], generators["noise"]),
            replay=build_replay(cfg, env, device, generators["replay"]),
            environments=environments,
            tracker=tracker,
            folder=folder,
            schedule=build_schedule(cfg),
            seed=cfg.seed,
            eval_seed=eval_seed(cfg),
            generators=generators,
            interrupt=interrupt,
        )
        opened.pop_all()
        return trainer


def eval_seed(cfg: Mapping[str, Any] | DictConfig) -> int:
    """Return the seed of the starts of evaluations."""
    own: int | None = cfg["eval"].get("seed")
    seed: int = cfg["seed"] if own is None else own
    return seed


def build_schedule(cfg: DictConfig) -> Schedule:
    """Make the schedule of the run from the config's numbers of steps."""
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
