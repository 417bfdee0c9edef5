"""Numbers that make choices visible: effective noise, bias of Q, saturation, dead units, gradients.

None of them is needed to learn, and none of them changes what is learned.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ddpg.learner.batch import Batch
from ddpg.learner.policy import as_input
from ddpg.learner.protocol import Agent
from ddpg.training.evaluate import Policy

#: (obs (N, ...), action (N, action_dim)) to Q(s, a), (N,), as the critic learns it
Values = Callable[[np.ndarray, np.ndarray], np.ndarray]

#: An action component this close to a bound, in units of half the action range, is saturated.
_AT_BOUND = 0.01
#: Variance below which noise counts as none: actions are float32, half their range is the unit.
_NO_VARIANCE = 1e-12
#: Steps of an evaluation for one whose Q is compared with what followed.
Q_STRIDE = 10
#: Steps that a NoiseMeter keeps before it adds them to its sums.
_BLOCK = 1000


def finite(value: Any) -> bool:
    """Whether a number, or every number of a vector, is neither NaN nor infinite; pictures of bytes always are."""
    if isinstance(value, np.ndarray):
        return value.dtype == np.uint8 or all(map(math.isfinite, value.ravel().tolist()))  # numpy's way takes longer
    return math.isfinite(value)


class NoiseMeter:
    """Exploration as it was executed: x_t = (a_t - mu(s_t)) / (half the action range), after clipping.

    `add` keeps one small array; the sums are made a thousand steps at a time, and at the end of an episode.
    """

    def __init__(self, action_scale: np.ndarray) -> None:
        self._scale = np.where(action_scale > 0, action_scale, 1).astype(np.float64)
        self._rows: list[np.ndarray] = []
        self._last: np.ndarray | None = None  # the step before the first of _rows, if in the same episode
        self._clear()

    def _clear(self) -> None:
        dim = len(self._scale)
        self._count = self._pairs = 0
        self._sums = np.zeros((2, dim))  # of x and x^2, over all steps
        self._pair_sums = np.zeros((5, dim))  # over pairs (x_t, x_{t+1}) = (p, q): of p, q, p^2, q^2, pq

    def add(self, action: np.ndarray, policy_action: np.ndarray) -> None:
        """One exploring step: the executed a_t and mu(s_t), each (action_dim,), in the environment's units."""
        self._rows.append(action - policy_action)
        if len(self._rows) >= _BLOCK:
            self._fold()

    def end_episode(self) -> None:
        """What comes next is no successor of the last step."""
        self._fold()
        self._last = None

    def pop(self) -> dict[str, float]:
        """Standard deviation about the mean and lag-1 autocorrelation since the last `pop`, pooled over dimensions.

        The autocorrelation is Pearson's of the pairs of successive steps; left out where nothing varies.
        """
        self._fold()
        metrics = {}
        if self._count:
            mean, square = self._sums / self._count
            variance = _variance(mean, square)
            metrics["diagnostics/noise_std"] = float(np.sqrt(variance.mean()))
        if self._pairs:
            p, q, pp, qq, pq = self._pair_sums / self._pairs
            spread = float(np.sqrt(_variance(p, pp).sum() * _variance(q, qq).sum()))
            if spread > 0:
                metrics["diagnostics/noise_autocorrelation"] = float((pq - p * q).sum() / spread)
        self._clear()
        return metrics

    def _fold(self) -> None:
        if not self._rows:
            return
        x = np.asarray(self._rows, np.float64) / self._scale
        self._count += len(x)
        self._sums += x.sum(0), (x**2).sum(0)
        run = x if self._last is None else np.vstack([self._last, x])
        p, q = run[:-1], run[1:]
        self._pairs += len(p)
        self._pair_sums += p.sum(0), q.sum(0), (p**2).sum(0), (q**2).sum(0), (p * q).sum(0)
        self._last = x[-1]
        self._rows = []

    def state_dict(self) -> dict[str, Any]:
        """Numbers and lists: the sums since the last `pop`, and the last step."""
        self._fold()
        return {
            "count": self._count, "pairs": self._pairs,
            "sums": self._sums.tolist(), "pair_sums": self._pair_sums.tolist(),
            "last": None if self._last is None else self._last.tolist(),
        }  # fmt: skip

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Takes back what `state_dict` gave."""
        self._rows = []
        self._count, self._pairs = state["count"], state["pairs"]
        self._sums, self._pair_sums = np.array(state["sums"]), np.array(state["pair_sums"])
        self._last = None if state["last"] is None else np.array(state["last"])


def _variance(mean: np.ndarray, mean_square: np.ndarray) -> np.ndarray:
    variance = mean_square - mean**2
    return np.where(variance > _NO_VARIANCE, variance, 0.0)


class QBias:
    """Q(s, a) minus the discounted return that followed, at every `stride`-th step of noise-free episodes.

    G_t = sum_k gamma^k r_{t+k}, rewards in the critic's units (times `reward_scale`). What a truncated episode no
    longer shows is completed with the critic's own value: gamma^(T-t) Q(s_T, mu(s_T)). There its errors cancel, so
    near a time limit the bias looks smaller than it is; `diagnostics/q_seen` says by how much. A terminated episode
    has no remainder.
    """

    def __init__(self, values: Values, policy: Policy, gamma: float, reward_scale: float, stride: int) -> None:
        self._values, self._policy = values, policy
        self._gamma, self._reward_scale, self._stride = gamma, reward_scale, stride
        self._obs: list[np.ndarray] = []
        self._action: list[np.ndarray] = []
        self._rewards: list[float] = []
        self._episodes: list[np.ndarray] = []  # of each finished episode: predicted, returned, seen; (3, recorded)

    @classmethod
    def of(cls, agent: Agent, gamma: float) -> "QBias":
        """The agent's own Q and actor."""
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
        """One transition; `evaluate(..., on_transition=q_bias)`."""
        if len(self._rewards) % self._stride == 0:
            self._obs.append(np.array(obs))
            self._action.append(np.array(action))
        self._rewards.append(self._reward_scale * reward)
        if over:
            self._end_episode(None if terminated else next_obs)

    def _end_episode(self, unfinished: np.ndarray | None) -> None:
        future, left = (
            0.0,
            0.0,
        )  # the return from here on, and the weight in it of what was not seen
        if unfinished is not None:
            future, left = (
                float(self._values(unfinished[None], self._policy(unfinished)[None])[0]),
                1.0,
            )
        returns, seen = [], []
        for reward in reversed(self._rewards):
            future, left = reward + self._gamma * future, self._gamma * left
            returns.append(future)
            seen.append(1 - left)
        predicted = self._values(np.stack(self._obs), np.stack(self._action))
        followed = np.array([returns, seen])[:, ::-1][:, :: self._stride]
        self._episodes.append(np.vstack([predicted, followed]))
        self._obs, self._action, self._rewards = [], [], []

    def metrics(self) -> dict[str, float]:
        """Means over the recorded states of all finished episodes; empty if there are none."""
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


def critic_values(agent: Agent) -> Values:
    """The agent's Q for a `QBias`; several critics are reduced as in the targets that they learn from."""

    like = agent.networks["actor"]

    @torch.inference_mode()
    def values(obs: np.ndarray, action: np.ndarray) -> np.ndarray:
        return agent.value(as_input(like, obs), as_input(like, action)).cpu().numpy()

    return values


def network_metrics(agent: Agent, batch: Batch, low: Tensor, high: Tensor) -> dict[str, float]:
    """Saturation, dead units and gradient norms on one minibatch; nothing of the agent changes.

    `low` and `high`, (action_dim,), are the bounds of actions.
    """
    metrics: dict[str, float] = {}
    for name, network in agent.networks.items():
        inputs = (batch.obs,) if name == "actor" else (batch.obs, batch.action)
        with torch.no_grad():
            output, dead = _watched(network, *inputs)
        if name == "actor":
            metrics["diagnostics/saturated_actions"] = _saturated(output, low, high)
        if len(dead):
            metrics[f"diagnostics/{name}_dead_units"] = float(dead.float().mean())
    for name, loss in agent.losses(batch).items():
        metrics[f"diagnostics/{name}_grad_norm"] = _grad_norm(loss, agent.networks[name])
    return metrics


def _saturated(action: Tensor, low: Tensor, high: Tensor) -> float:
    """The share of action components that are at a bound."""
    low = low.to(action)
    high = high.to(action)
    margin = _AT_BOUND * (high - low) / 2
    saturated = (action <= low + margin) | (action >= high - margin)
    return float(saturated.float().mean())


def _watched(network: nn.Module, *inputs: Tensor) -> tuple[Any, Tensor]:
    """The network's output, and which hidden units (of a convolution: channels) were 0 for the whole minibatch."""
    dead = [torch.zeros(0, dtype=torch.bool, device=inputs[0].device)]

    def look(module: nn.Module, args: Any, output: Tensor) -> None:
        dead.append((output == 0).transpose(0, 1).flatten(1).all(dim=1))  # at once: the next layer may work in place

    hooks = [module.register_forward_hook(look) for module in network.modules() if isinstance(module, nn.ReLU)]
    try:
        return network(*inputs), torch.cat(dead)
    finally:
        for hook in hooks:
            hook.remove()


def _grad_norm(loss: Tensor, network: nn.Module) -> float:
    """L2 norm of the gradient over all parameters, before any clipping; `.grad` is left alone."""
    params = [param for param in network.parameters() if param.requires_grad]
    grads = torch.autograd.grad(loss, params, allow_unused=True)
    return float(torch.stack([grad.norm() for grad in grads if grad is not None]).norm())
