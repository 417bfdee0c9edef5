"""Numbers that an environment gives in `info`, such as is_success, as one number for each episode."""

import logging
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, Literal

import gymnasium
import numpy as np

from ddpg.envs.returned import ReturnError, one_number, reset_values, step_values

_log = logging.getLogger(__name__)

#: How the numbers of an episode's simulator steps become one.
How = Literal["last", "mean", "sum", "max"]

#: The key of `info` under which the last step of an episode has its numbers, as {name: number}.
EPISODE_METRICS = "episode_metrics"
#: The name that goal environments give their success, which is looked for in every environment.
SUCCESS = "is_success"

_REDUCED: dict[str, Callable[[Sequence[float]], Any]] = {
    "last": lambda numbers: numbers[-1],
    "mean": np.mean,
    "sum": np.sum,
    "max": np.max,
}


class InfoMetrics(gymnasium.Wrapper[Any, Any, Any, Any]):
    """Collects the numbers that `info` has under the names of `how`, and gives them with the episode's last step.

    A name that no `info` of an episode has is left out; a warning says so, but for is_success. Messages name the env by
    `key`.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], how: Mapping[str, How], key: str) -> None:
        super().__init__(env)
        self._how = how
        self._key = key
        self._numbers: dict[str, list[float]] = {}

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, Any]:
        self._numbers = {name: [] for name in self._how}
        return reset_values(self.env.reset(seed=seed, options=options))

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        obs, reward, terminated, truncated, info = step_values(self.env.step(action))
        info = dict(info) if isinstance(info, Mapping) else {}
        for name, numbers in self._numbers.items():
            number = _number(info.get(name))
            if number is not None:
                numbers.append(number)
        if terminated or truncated:
            info[EPISODE_METRICS] = self._episode_metrics(info)
        return obs, reward, terminated, truncated, info

    def _episode_metrics(self, info: Mapping[str, Any]) -> dict[str, float]:
        for name, numbers in self._numbers.items():
            if not numbers and name != SUCCESS:
                there = ", ".join(sorted(str(other) for other, value in info.items() if _number(value) is not None))
                _warn_of_missing(self._key, name, there or "none")
        return {name: float(_REDUCED[self._how[name]](numbers)) for name, numbers in self._numbers.items() if numbers}


def _number(value: Any) -> float | None:
    """Return the number that a value is or holds as its only element; None for anything else."""
    try:
        return None if value is None else one_number(value)
    except ReturnError:
        return None


@cache
def _warn_of_missing(key: str, name: str, there: str) -> None:
    """Say once that a name is not there, because training and evaluation would say it at each of their episodes."""
    _log.warning("%s env.info_metrics.%s: an episode had no such number in info; it has: %s", key, name, there)
