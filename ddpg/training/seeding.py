"""Where randomness comes from: one generator per purpose and one seed per episode, all from the run's seed.

Nothing is shared: a longer evaluation, another noise or a bigger batch leaves every other draw as it was.
"""

from typing import Any

import numpy as np

#: The purposes. A stream is known by its place in this tuple, so new ones go at its end.
STREAMS = ("episode", "evaluation", "network", "warmup", "noise", "replay", "play", "smoothing", "diagnostics")


def _sequence(seed: int, *key: int) -> np.random.SeedSequence:
    return np.random.SeedSequence(entropy=seed, spawn_key=key)


def generator(seed: int, stream: str) -> np.random.Generator:
    """The generator of one purpose."""
    return np.random.default_rng(_sequence(seed, STREAMS.index(stream)))


def derived_seed(seed: int, stream: str, index: int) -> int:
    """A 31-bit seed for libraries that want an integer: one per episode `index` of the stream."""
    return int(_sequence(seed, STREAMS.index(stream), index).generate_state(1)[0] >> 1)


def generator_states(generators: dict[str, np.random.Generator]) -> dict[str, Any]:
    """What a checkpoint stores of the generators."""
    return {name: rng.bit_generator.state for name, rng in generators.items()}


def restore_generators(generators: dict[str, np.random.Generator], states: dict[str, Any]) -> None:
    """Puts every generator back to where `generator_states` saw it."""
    for name, rng in generators.items():
        rng.bit_generator.state = states[name]
