"""The wrappers of `env.wrappers`, gymnasium's or one's own, around an environment."""

import pkgutil
from collections.abc import Callable, Sequence
from typing import Any

import gymnasium
from gymnasium import wrappers

from ddpg.errors import UserError, kind_of, typed_line

Env = gymnasium.Env[Any, Any]
#: Puts a wrapper around an environment.
Wrap = Callable[[Env], Env]

#: Wrappers that learn from what they see, so that two environments of a run would come to differ; and what to write.
LEARNING = {
    wrappers.NormalizeObservation: "network.normalize_obs=5 normalizes observations for the whole run",
    wrappers.NormalizeReward: "algorithm.reward_scale scales rewards by a number that stays",
}
#: Wrappers of gymnasium in which a reset leaves something of the episode before.
NOT_CLEARED = (wrappers.MaxAndSkipObservation,)


def wrapped(env: Env, chain: Sequence[Wrap], key: str) -> Env:
    """Put wrappers around an env, the first one innermost.

    Raises UserError, which begins with `key`, for one that fails, that gives no environment, or that is not for runs.
    """
    for place, wrap in enumerate(chain):
        name = f"{key} env.wrappers[{place}]"
        try:
            env = wrap(env)
        except (Exception, SystemExit) as error:  # a user's class raises what it likes
            raise UserError(f"{name}: {typed_line(error)}") from error
        if not isinstance(env, gymnasium.Env):
            raise UserError(f"{name}: it gives {kind_of(env)}, and no gymnasium.Env")
        for learning, instead in LEARNING.items():
            if isinstance(env, learning):
                raise UserError(
                    f"{name}: {learning.__name__} learns in each environment anew, so that evaluation and a resumed "
                    f"run would see other numbers than training; {instead}"
                )
    return env


def is_cleared_by_reset(target: str) -> bool:
    """Tell whether the class that a `_target_` names is a wrapper of gymnasium that begins each episode afresh."""
    return target.startswith("gymnasium.wrappers.") and pkgutil.resolve_name(target) not in NOT_CLEARED
