"""Sources of randomness: a generator for each purpose and a seed for each episode.

All of them come from the run's seed, and none is shared: a longer evaluation, another noise or a
bigger batch leaves every other draw as it was.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

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
)


def _sequence(seed: int, *key: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(entropy=seed, spawn_key=key)


def generator(seed: int, stream: str) -> np.random.Generator:
    """Make the generator of one purpose, which is a name of STREAMS."""
    return np.random.default_rng(_sequence(seed, STREAMS.index(stream)))


def derived_seed(seed: int, stream: str, index: int) -> int:
    """Derive a 31-bit seed, for libraries that want an integer, from place `index` of a stream."""
    return int(_sequence(seed, STREAMS.index(stream), index).generate_state(1)[0] >> 1)


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
        """Restore the state that `state_dict` returned."""
        for name, rng in self._generators.items():
            rng.bit_generator.state = state[name]
