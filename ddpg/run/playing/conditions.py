"""Conditions under which a policy plays: as in training, or with one thing changed."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import gymnasium as gym
import numpy as np

from ddpg.envs import ActionDelay, ObsNoise, require_parameter, scale_parameter
from ddpg.run.playing.playable import Playable
from ddpg.training.seeding import begin_episode, derived_seed, generator, process_generators_kept

#: Episodes of uniformly random actions in which the spread of observations is measured.
SPREAD_EPISODES = 10
#: How the keys of a simulator's parameters begin, as in `simulator.gravity`.
SIMULATOR = "simulator."


@dataclass(frozen=True)
class Condition:
    """One thing that is changed.

    Args:
        key: `obs_noise`, `action_delay`, `simulator.NAME`, or empty where nothing is changed.
        value: standard deviation of the noise, in spreads; delay in env steps; factor of the simulator's parameter.
        spread: unit of the noise for each number of an observation, flattened.
    """

    key: str = ""
    value: float = 0.0
    spread: Sequence[float] = ()

    def __str__(self) -> str:
        return f"{self.key}={self.value:g}" if self.key else "nominal"

    def applied(self, env: gym.Env[Any, Any]) -> gym.Env[Any, Any]:
        """Change an environment, whose simulator has the parameter."""
        if self.key == "obs_noise":
            return ObsNoise(env, self.value * np.array(self.spread))
        if self.key == "action_delay":
            return ActionDelay(env, int(self.value))
        if self.key:
            return scale_parameter(env, self.key.removeprefix(SIMULATOR), self.value)
        return env


#: Nothing is changed.
NOMINAL = Condition()


def conditions_of(playables: Sequence[Playable], disturbances: Mapping[str, Sequence[float]]) -> list[list[Condition]]:
    """Make the conditions under which each of the policies plays beside the nominal one, one for each value of a key.

    Values that change nothing, as a delay of 0 or a factor of 1, are left out. Raises UserError for a parameter that a
    simulator does not have.
    """
    environments = [json.dumps(playable.config, sort_keys=True, default=str) for playable in playables]
    found: dict[str, list[Condition]] = {}
    for environment, playable in zip(environments, playables, strict=True):
        if environment not in found:
            found[environment] = _conditions(playable, disturbances)
    return [found[environment] for environment in environments]


def _conditions(playable: Playable, disturbances: Mapping[str, Sequence[float]]) -> list[Condition]:
    conditions = []
    for key, values in disturbances.items():
        of_simulator = key.startswith(SIMULATOR)
        unchanged = 1 if of_simulator else 0
        changing = [value for value in values if value != unchanged]
        spread = spread_of(playable) if key == "obs_noise" and changing else ()
        conditions += [Condition(key, value, tuple(spread)) for value in changing]
        if of_simulator:
            _require_parameter(playable, key.removeprefix(SIMULATOR))
    return conditions


def _require_parameter(playable: Playable, name: str) -> None:
    with process_generators_kept(), closing(playable.make_env()) as env:
        require_parameter(env, name)


def spread_of(playable: Playable) -> list[float]:
    """Measure how much each number of an observation varies, in an environment alone, whatever the policy.

    It is the standard deviation over SPREAD_EPISODES episodes of uniformly random actions, from seeds that are always
    the same. Of pictures it is the whole range of a byte.
    """
    with process_generators_kept(), closing(playable.make_env()) as env:
        assert isinstance(env.observation_space, gym.spaces.Box)  # EnvSpec.make lets nothing else through
        if env.observation_space.dtype == np.uint8:
            return [255.0]
        observations = np.array(list(_random_observations(env)))
    return np.std(observations, axis=0, dtype=np.float64).tolist()


def _random_observations(env: gym.Env[Any, Any]) -> Iterator[Any]:
    """Yield the observations of SPREAD_EPISODES episodes of uniformly random actions."""
    assert isinstance(env.action_space, gym.spaces.Box)
    rng = generator(0, "warmup")
    for place in range(SPREAD_EPISODES):
        yield begin_episode(env, derived_seed(0, "episode", place))
        over = False
        while not over:
            action = rng.uniform(env.action_space.low, env.action_space.high).astype(np.float32)
            obs, _, terminated, truncated, _ = env.step(action)
            yield obs
            over = terminated or truncated
