"""The generators that belong to an environment, which its `reset` does not seed in every case."""

from collections.abc import Sequence
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.utils.seeding import np_random


def seed_generators(env: gymnasium.Env[Any, Any], seed: int) -> None:
    """Seed the innermost environment's `np_random`, and all spaces, for draws that no `reset(seed)` fixes."""
    for space, number in _spaces(env, np.random.SeedSequence(seed).generate_state(2).tolist()):
        space.seed(number)
    innermost = env.unwrapped
    if type(innermost).np_random is gymnasium.Env.np_random:  # dm_control has a generator of another kind
        innermost.np_random = np_random(seed)[0]


def _spaces(env: gymnasium.Env[Any, Any], seeds: Sequence[int]) -> list[tuple[spaces.Space[Any], int]]:
    """List the spaces of an environment and of each wrapper around it once, an action space with the first seed."""
    found = {}
    layer: gymnasium.Env[Any, Any] | None = env
    while layer is not None:
        for name, number in zip(("action_space", "observation_space"), seeds, strict=True):
            space = getattr(layer, name, None)  # a wrapper may be the one that has it
            if space is not None:
                found[id(space)] = (space, number)
        layer = layer.env if isinstance(layer, gymnasium.Wrapper) else None
    return list(found.values())
