"""Replay buffers of transitions that cannot be mistaken for each other."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from hypothesis import strategies as st

from ddpg.learner.batch import Batch
from ddpg.learner.replay import ReplayBuffer


class Transition(NamedTuple):
    """Every number differs from every other, so that nothing can be mistaken for its neighbor."""

    obs: tuple[float, float]
    action: float
    reward: float
    next_obs: tuple[float, float]
    terminated: float


GAMMA = 0.9
#: For each transition of a stream, whether an episode ends with it.
STREAMS = st.lists(st.booleans(), min_size=1, max_size=60)


def buffer(size: int, n_step: int = 1, make: type[ReplayBuffer] = ReplayBuffer, **own: Any) -> ReplayBuffer:
    """Make an empty buffer for the transitions of `episodes`; `own` are the arguments of that class alone."""
    return make(
        n_step=n_step, gamma=GAMMA, buffer_size=size, obs_shape=(2,), obs_dtype=np.dtype(np.float32), action_dim=1,
        rng=np.random.default_rng(0), device=torch.device("cpu"), dtype=torch.float32, **own,
    )  # fmt: skip


def episodes(ends: Sequence[bool], first: int = 0) -> list[tuple[Transition, bool]]:
    """Make transitions, and whether an episode ends with them; episode k lives at 1000 k, 1000 k + 1, ..."""
    stream, episode, t = [], first, 0
    for ends_here in ends:
        obs, next_obs = 1000 * episode + t, 1000 * episode + t + 1
        terminated = float(ends_here and episode % 2)
        stream.append((Transition((obs, -obs), obs + 0.25, obs + 0.5, (next_obs, -next_obs), terminated), ends_here))
        episode, t = (episode + 1, 0) if ends_here else (episode, t + 1)
    return stream


def add(memory: ReplayBuffer, stream: Sequence[tuple[Transition, bool]]) -> None:
    """Store the transitions of a stream."""
    for (obs, action, reward, next_obs, terminated), ends in stream:
        memory.add(np.float32(obs), np.float32([action]), reward, np.float32(next_obs), bool(terminated), ends)


def rows(batch: Batch) -> set[Transition]:
    """Read the transitions of a minibatch."""
    parts = [part.tolist() for part in (batch.obs, batch.action[:, 0], batch.reward, batch.next_obs, batch.terminated)]
    return {Transition(tuple(o), a, r, tuple(n), d) for o, a, r, n, d in zip(*parts, strict=True)}
