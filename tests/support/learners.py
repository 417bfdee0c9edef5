"""The same learner twice, as it is and recorded, and minibatches for both."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from omegaconf import DictConfig
from support.batches import random_batch
from support.config_options import NEEDS, env_of

from ddpg.config.settings import check
from ddpg.fast.accelerate import record
from ddpg.fast.native import Kernels
from ddpg.learner.agent import DDPG
from ddpg.learner.batch import Batch
from ddpg.run.build import build_agent
from ddpg.training.returned import as_metrics

Compose = Callable[..., DictConfig]
CPU = torch.device("cpu")


def plain_and_recorded(compose: Compose, *words: str, native: Kernels | None = None) -> tuple[DDPG, DDPG]:
    """Build the learner of a command line twice; the second is recorded, and played by `native` or torch's kernels."""
    return plain_learner(compose, *words), recorded_learner(compose, *words, native=native)


def recorded_learner(compose: Compose, *words: str, native: Kernels | None = None) -> DDPG:
    """Build the learner of a command line, recorded and played by `native` or torch's kernels."""
    agent = plain_learner(compose, *words)
    record(agent, native)
    return agent


def plain_learner(compose: Compose, *words: str) -> DDPG:
    """Build the learner of a command line for observations of three numbers or, where it says so, of pixels."""
    pixels = any("pixels" in word for word in words)
    observations = spaces.Box(0, 255, (3, 64, 64), np.uint8) if pixels else spaces.Box(-np.inf, np.inf, (3,))
    cfg = check(compose(*words, *(given for word in words for given in NEEDS.get(word, []))))
    return build_agent(cfg, env_of(observations), CPU)


def learned(agent: DDPG, batch: Batch) -> dict[str, Any]:
    """Update an agent; give what it logs, as numbers, and where there are some the errors of the transitions."""
    metrics, td_error = agent.update(batch)
    return as_metrics(agent, "update", metrics) | ({} if td_error is None else {"td_error": td_error})


def batches(agent: DDPG, count: int, weighted: bool, pixels: bool) -> list[Batch]:
    """Draw minibatches in the number format of the agent."""
    result = []
    for seed in range(count):
        batch = random_batch(seed, size=4 if pixels else 16)
        if pixels:
            pictures = torch.randint(0, 256, (2, 4, 3, 64, 64), generator=torch.Generator().manual_seed(seed))
            batch = batch._replace(obs=pictures[0].byte(), next_obs=pictures[1].byte())
        if weighted:
            batch = batch._replace(weight=batch.discount * batch.reward.abs())
        dtype = next(agent.actor.parameters()).dtype
        result.append(Batch(*(t if t is None or t.dtype == torch.uint8 else t.to(dtype) for t in batch)))
    return result
