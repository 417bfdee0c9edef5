"""Checks of a run that need more than its config: the environment, this machine, or what was built."""

import logging
import math
from collections.abc import Sequence

import numpy as np
import torch
from gymnasium import spaces
from omegaconf import DictConfig, OmegaConf
from torch import Tensor, nn

from ddpg.config.given import nodes
from ddpg.envs import VectorEnv
from ddpg.errors import UserError, typed_line
from ddpg.learner.networks import batch_norms
from ddpg.run.early_ends import warn_of_early_ends
from ddpg.run.machine import available_memory
from ddpg.training.trainer import Trainer

log = logging.getLogger(__name__)

_GIB = 2**30
#: Networks learn well from actions in the environment's units where half of each range is at least the first of these
#: and no bound is beyond the second.
_LEAST_HALF_RANGE = 0.1
_LARGEST_BOUND = 10
#: Fewer numbers than this in a range make steps that a policy would notice.
_LEAST_NUMBERS = 100
#: Updates, target_delay / tau, within which targets of all presets follow the networks: of the fastest, the slowest.
USUAL_UPDATES = (100, 1000)
#: Targets that follow in fewer updates than the first of these, or in the second or more, are hardly meant.
_FEWEST_UPDATES = 5
_MOST_UPDATES = 10_000


def require_memory(cfg: DictConfig, transitions: int, transition_bytes: int, obs_shape: Sequence[int]) -> None:
    """Raise UserError if these transitions, `transition_bytes` each, do not fit this machine's free memory."""
    needed = transitions * transition_bytes
    available = available_memory()
    if available is not None and needed > available:
        raise UserError(
            f"buffer_size={cfg.buffer_size} needs {needed / _GIB:.1f} GiB for observations of {math.prod(obs_shape)} "
            f"numbers, and {available / _GIB:.1f} GiB are free here: at most {available // transition_bytes} fit"
        )


def check_learning(cfg: DictConfig, trainer: Trainer) -> None:
    """Raise UserError if the run would fail at its first update; warn if it would hardly learn, or never."""
    norms = [norm for network in trainer.agent.networks.values() for norm in batch_norms(network)]
    if norms and cfg.batch_size == 1:
        raise UserError("batch_size=1 is too small for batch norm: at least 2, or network.*.norm=none or layer")
    if trainer.schedule.total_updates() == 0:
        log.warning(
            "nothing will be learned: no update falls due within total_steps=%d with learning_starts=%d, "
            "update_every=%s and updates_per_step=%g",
            cfg.total_steps,
            cfg.learning_starts,
            cfg.update_every,
            cfg.updates_per_step,
        )
    warn_of_early_ends(cfg, trainer.schedule)
    warn_of_targets(cfg)
    env = trainer.environments.training
    assert isinstance(env, VectorEnv)  # EnvSpec.make gives nothing else
    warn_of_raw_actions(cfg, env.action_space)
    assert isinstance(env.env.action_space, spaces.Box)  # VectorEnv takes no others
    warn_of_coarse_actions(env.env.action_space)


def warn_of_targets(cfg: DictConfig) -> None:
    """Warn if targets are nearly the networks themselves, or follow them hardly at all.

    That happens where `tau` comes from one preset and `algorithm.target_delay` from another algorithm.
    """
    delay = cfg.algorithm.get("target_delay")
    if delay is None or cfg.tau == 0:  # an algorithm of a user's own; targets that are meant to stand still
        return
    updates = delay / cfg.tau
    if not _FEWEST_UPDATES <= updates < _MOST_UPDATES:
        log.warning(
            "tau=%g with algorithm.target_delay=%d: the targets follow the networks within about %d update%s, those of "
            "the presets within %d to %d; tau is 1 with a long target_delay, and small with a short one",
            cfg.tau,
            delay,
            updates,
            "" if updates == 1 else "s",
            *USUAL_UPDATES,
        )


def warn_of_raw_actions(cfg: DictConfig, bounds: spaces.Box) -> None:
    """Warn if actions are far from -1..1 in the environment's units, and something takes them in these units."""
    half_range = (bounds.high - bounds.low) / 2
    narrow = half_range < _LEAST_HALF_RANGE
    beyond = np.maximum(abs(bounds.low), abs(bounds.high)) > _LARGEST_BOUND
    far = np.flatnonzero((half_range > 0) & (narrow | beyond))
    raw = _keys_of_raw_actions(cfg)
    if len(far) and raw:
        log.warning(
            "action[%d] is between %g and %g, far from -1..1, which is hard to learn in the environment's units: %s",
            far[0],
            bounds.low[far[0]],
            bounds.high[far[0]],
            " and ".join(f"{key}=true" for key in raw),
        )


def warn_of_coarse_actions(space: spaces.Box) -> None:
    """Warn if a range of the environment's own actions has few numbers in float32, in which they are kept."""
    low = np.asarray(space.low, np.float64).ravel()
    high = np.asarray(space.high, np.float64).ravel()
    distance = np.spacing(np.maximum(abs(low), abs(high)).astype(np.float32))
    coarse = np.flatnonzero((high > low) & (high - low < _LEAST_NUMBERS * distance))
    if len(coarse):
        log.warning(
            "action[%d] is between %.12g and %.12g, where float32, in which actions are kept, has a number every %.2g: "
            "'env.wrappers=[{_target_: gymnasium.wrappers.RescaleAction, min_action: -1, max_action: 1}]'",
            coarse[0],
            low[coarse[0]],
            high[coarse[0]],
            distance[coarse[0]],
        )


def _keys_of_raw_actions(cfg: DictConfig) -> list[str]:
    """List the keys that choose the environment's units, for critics and for the noise."""
    keys = [f"network.{name}.scaled_actions" for name in nodes(cfg.network)] + ["noise.scaled"]
    return [key for key in keys if OmegaConf.select(cfg, key) is False]


def require_output(network: nn.Module, inputs: Sequence[Tensor], shape: Sequence[int], target: str, key: str) -> None:
    """Call a user's network once, on observations and actions of zeros, and check the shape of what it gives.

    Neither the weights nor torch's generator change. Raises UserError, which names the class and both shapes.
    """
    was_training = network.training
    form = " and ".join(str(tuple(given.shape)) for given in inputs)
    try:
        with torch.no_grad(), torch.random.fork_rng(devices=[]):
            output = network.eval()(*inputs)
    except Exception as error:
        raise UserError(f"{key}._target_={target} fails for inputs of shape {form}: {typed_line(error)}") from error
    finally:
        network.train(was_training)
    found = tuple(output.shape) if isinstance(output, Tensor) else type(output).__name__
    if found != tuple(shape):
        raise UserError(f"{key}._target_={target} gives {found} for inputs of shape {form}, not {tuple(shape)}")
