"""How far the critic's Q is from the return that follows, along an evaluation's episodes."""

from collections.abc import Callable

import numpy as np
import torch

from ddpg.learner.policy import as_input
from ddpg.learner.protocol import WithCritic
from ddpg.training.evaluate import Act

#: Maps obs (N, *obs_shape) and action (N, action_dim) to Q(s, a), (N,), as the critic learns it.
Values = Callable[[np.ndarray, np.ndarray], np.ndarray]

#: The distance, in steps, of the states whose Q is compared with what followed.
Q_STRIDE = 10


class QBias:
    """Q(s, a) minus the discounted return that followed, at every `stride`-th step of episodes.

    The return is G_t = sum_k gamma^k r_{t+k}, rewards in the critic's units (times `reward_scale`).
    The part that a truncated episode no longer shows is completed with the critic's own value:
    gamma^(T-t) Q(s_T, mu(s_T)). There its errors cancel, so near a time limit the bias looks
    smaller than it is; `diagnostics/q_seen` says by how much. A terminated episode has no
    remainder.
    """

    def __init__(
        self,
        values: Values,
        policy: Act,
        gamma: float,
        reward_scale: float,
        stride: int,
    ) -> None:
        self._values = values
        self._policy = policy
        self._gamma = gamma
        self._reward_scale = reward_scale
        self._stride = stride
        self._obs: list[np.ndarray] = []
        self._action: list[np.ndarray] = []
        self._rewards: list[float] = []
        # predicted, returned and seen values of each finished episode, each (3, recorded states)
        self._episodes: list[np.ndarray] = []

    @classmethod
    def of(cls, agent: WithCritic, gamma: float) -> "QBias":
        """Compare an agent's own Q with the returns of its own policy."""
        return cls(critic_values(agent), agent.act, gamma, agent.reward_scale, Q_STRIDE)

    def __call__(
        self,
        obs: np.ndarray,
        action: np.ndarray,
        reward: float,
        terminated: bool,
        over: bool,
        next_obs: np.ndarray,
    ) -> None:
        """Add one transition; `evaluate(..., on_transition=q_bias)` calls this."""
        if len(self._rewards) % self._stride == 0:
            self._obs.append(np.array(obs))
            self._action.append(np.array(action))
        self._rewards.append(self._reward_scale * reward)
        if over:
            self._end_episode(None if terminated else next_obs)

    def _end_episode(self, truncated_at: np.ndarray | None) -> None:
        """Compute the returns of the episode; `truncated_at` is its last observation if it has one.

        A terminated episode has none, because nothing follows its end.
        """
        future = 0.0  # the return from here on
        unseen = 0.0  # the weight in it of what the episode did not show
        if truncated_at is not None:
            last_action = self._policy(truncated_at)
            future = float(self._values(truncated_at[None], last_action[None])[0])
            unseen = 1.0
        returns = []
        seen = []
        for reward in reversed(self._rewards):
            future = reward + self._gamma * future
            unseen = self._gamma * unseen
            returns.append(future)
            seen.append(1 - unseen)
        predicted = self._values(np.stack(self._obs), np.stack(self._action))
        followed = np.array([returns, seen])[:, ::-1][:, :: self._stride]
        self._episodes.append(np.vstack([predicted, followed]))
        self._obs = []
        self._action = []
        self._rewards = []

    def metrics(self) -> dict[str, float]:
        """Return means over the recorded states of all finished episodes; {} without one."""
        if not self._episodes:
            return {}
        predicted, returned, seen = np.hstack(self._episodes)
        bias = predicted - returned
        return {
            "diagnostics/q_value": float(predicted.mean()),
            "diagnostics/q_bias": float(bias.mean()),
            "diagnostics/q_bias_std": float(bias.std()),
            "diagnostics/q_seen": float(seen.mean()),
        }


def critic_values(agent: WithCritic) -> Values:
    """Make a function of arrays from an agent's `value`."""
    like = agent.networks["actor"]

    @torch.inference_mode()
    def values(obs: np.ndarray, action: np.ndarray) -> np.ndarray:
        return agent.value(as_input(like, obs), as_input(like, action)).cpu().numpy()

    return values
