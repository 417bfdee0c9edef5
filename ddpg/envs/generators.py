"""The generators that belong to an environment, which its `reset` does not seed in every case."""

from typing import Any

import gymnasium
import numpy as np
from gymnasium.utils.seeding import np_random


def seed_generators(env: gymnasium.Env[Any, Any], seed: int) -> None:
    """Seed `np_random` and the spaces of the innermost environment, for draws that no `reset(seed)` fixes."""
    innermost = env.unwrapped
    numbers = np.random.SeedSequence(seed).generate_state(2)
    for name, number in zip(("action_space", "observation_space"), numbers, strict=True):
        space = getattr(innermost, name, None)  # a wrapper may be the one that has it
        if space is not None:
            space.seed(int(number))
    if type(innermost).np_random is gymnasium.Env.np_random:  # dm_control has a generator of another kind
        innermost.np_random = np_random(seed)[0]
