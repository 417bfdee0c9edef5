"""Sources of randomness: a generator for each purpose and a seed for each episode.

All of them come from the run's seed, and none is shared: a longer evaluation, another noise or a
bigger batch leaves every other draw as it was. Nothing in this package draws from the generators
that belong to the whole process; they are seeded for environments that do.
"""

import random
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium as gym
import numpy as np
import torch

from ddpg.envs import seed_generators

#: The purposes. A stream is known by its place in this tuple, so new ones go at its end.
STREAMS = (
    "episode",
    "evaluation",
    "network",
    "warmup",
    "noise",
    "replay",
    "play",
    "smoothing",
    "diagnostics",
    "construction",
)


def _sequence(seed: int, *key: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(entropy=seed, spawn_key=key)


def generator(seed: int, stream: str) -> np.random.Generator:
    """Make the generator of one purpose, which is a name of STREAMS."""
    return np.random.default_rng(_sequence(seed, STREAMS.index(stream)))


def derived_seed(seed: int, stream: str, index: int) -> int:
    """Derive a 31-bit seed, for libraries that want an integer, from place `index` of a stream."""
    return int(_sequence(seed, STREAMS.index(stream), index).generate_state(1)[0] >> 1)


def begin_episode(env: gym.Env, seed: int) -> np.ndarray:
    """Reset an environment from a seed, and return its first observation, (*obs_shape).

    The seed also fixes the draws of environments that do not heed it: from the generators of the
    process, from the spaces of the environment and its wrappers, and from its `np_random` where its
    `reset` does not seed that. So an episode depends on its seed alone, and a resume, which begins
    with one, is exact.
    """
    seed_process(seed)
    seed_generators(env, seed)
    obs, _ = env.reset(seed=seed)
    return obs


def seed_process(seed: int) -> None:
    """Seed the generators of Python, numpy and torch that belong to the whole process."""
    numbers = np.random.SeedSequence(seed).generate_state(3)
    random.seed(int(numbers[0]))
    np.random.seed(int(numbers[1]))
    torch.default_generator.manual_seed(int(numbers[2]))


@contextmanager
def process_generators_kept() -> Iterator[None]:
    """Let the generators of the process be after the block as they were before it."""
    of_python = random.getstate()
    of_numpy = np.random.get_state()
    of_torch = torch.default_generator.get_state()
    try:
        yield
    finally:
        random.setstate(of_python)
        np.random.set_state(of_numpy)
        torch.default_generator.set_state(of_torch)


class Generators:
    """The generators of several purposes, by name, with their state."""

    def __init__(self, seed: int, streams: Iterable[str]) -> None:
        self._generators = {stream: generator(seed, stream) for stream in streams}

    def __getitem__(self, stream: str) -> np.random.Generator:
        return self._generators[stream]

    def state_dict(self) -> dict[str, Any]:
        """Return the state of each generator, by name."""
        return {name: rng.bit_generator.state for name, rng in self._generators.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state that `state_dict` returned; those of another seed begin anew."""
        for name, rng in self._generators.items():
            # the increment of a PCG64 follows from its seed and never changes
            if rng.bit_generator.state["state"]["inc"] == state[name]["state"]["inc"]:
                rng.bit_generator.state = state[name]
