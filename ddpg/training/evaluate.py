"""Evaluation: episodes without exploration."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import gymnasium as gym
import numpy as np

from ddpg.envs import EPISODE_METRICS
from ddpg.errors import UserError
from ddpg.training.finite import NOT_FINITE, finite
from ddpg.training.seeding import begin_episode

#: Maps one observation (*obs_shape) to an action (action_dim,).
Act = Callable[[np.ndarray], np.ndarray]
#: on_transition(obs, action, reward, terminated, over, next_obs), where `over` means terminated or
#: truncated.
OnTransition = Callable[[np.ndarray, np.ndarray, float, bool, bool, np.ndarray], None]


class Episodes(NamedTuple):
    """Undiscounted returns and lengths (env steps) of finished episodes, each (episodes,).

    `info` has of each episode the numbers that `env.info_metrics` asks for, by name.
    """

    returns: np.ndarray
    lengths: np.ndarray
    info: Sequence[Mapping[str, float]] = ()

    def followed_by(self, others: "Episodes") -> "Episodes":
        """Return these episodes and the others."""
        returns = np.concatenate([self.returns, others.returns])
        lengths = np.concatenate([self.lengths, others.lengths])
        return Episodes(returns, lengths, [*self.info, *others.info])

    def metrics(self) -> dict[str, float]:
        """Return mean and standard deviation over the episodes, under the names that are logged."""
        return {
            "eval/episodic_return": float(self.returns.mean()),
            "eval/episodic_return_std": float(self.returns.std()),
            "eval/episodic_length": float(self.lengths.mean()),
        } | {f"eval/info/{name}": mean for name, mean in self.info_means().items()}

    def info_means(self) -> dict[str, float]:
        """Return the mean of each number in `info`, over the episodes that have it."""
        names = dict.fromkeys(name for numbers in self.info for name in numbers)
        return {
            name: float(np.mean([numbers[name] for numbers in self.info if name in numbers]))
            for name in names
        }


def evaluate(
    policy: Act,
    env: gym.Env[Any, Any],
    seeds: Sequence[int],
    on_frame: Callable[[np.ndarray], None] | None = None,
    on_step: Callable[[], None] | None = None,
    on_transition: OnTransition | None = None,
) -> Episodes:
    """Run one episode of `policy` from each seed.

    `on_frame` gets every rendered frame of an env that was made with `render=True`. `on_step` is
    called at every step and may raise, to stop in time when a signal has come. `on_transition` gets
    every transition and must copy what it keeps.

    Raises UserError if an action is not finite, before a simulator gets it.
    """
    returns = []
    lengths = []
    info_numbers = []
    for seed in seeds:
        obs = begin_episode(env, seed)
        episodic_return = 0.0
        length = 0
        over = False
        while not over:
            if on_step:
                on_step()
            if on_frame:
                on_frame(np.asarray(env.render()))
            action = policy(obs)
            if not finite(action):
                raise UserError(f"the policy's action {NOT_FINITE}")
            next_obs, reward, terminated, truncated, info = env.step(action)
            episodic_return += float(reward)
            length += 1
            over = terminated or truncated
            if on_transition:
                on_transition(obs, action, float(reward), terminated, over, next_obs)
            obs = next_obs
        returns.append(episodic_return)
        lengths.append(length)
        info_numbers.append(info.get(EPISODE_METRICS, {}))
    return Episodes(np.array(returns), np.array(lengths), info_numbers)
