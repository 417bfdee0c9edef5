"""Exploration as it was executed: the size and the memory of the noise."""

from typing import Any

import numpy as np

#: Variance below which noise counts as none: actions are float32, half their range is the unit.
_NO_VARIANCE = 1e-12
#: Steps that are kept before they are added to the sums.
_BLOCK = 1000


class NoiseMeter:
    """Measures x_t = (a_t - mu(s_t)) / (half the action range), after clipping.

    `add` keeps one small array; the sums are made a thousand steps at a time, and at the end of an
    episode.
    """

    def __init__(self, action_scale: np.ndarray) -> None:
        self._scale = np.where(action_scale > 0, action_scale, 1).astype(np.float64)
        self._rows: list[np.ndarray] = []
        # the step before the first of _rows, if it is of the same episode
        self._last: np.ndarray | None = None
        self._clear()

    def _clear(self) -> None:
        dim = len(self._scale)
        self._count = 0
        self._pairs = 0
        # over all steps, of x and x^2
        self._sums = np.zeros((2, dim))
        # over all pairs (p, q) = (x_t, x_{t+1}), of p, q, p^2, q^2 and pq
        self._pair_sums = np.zeros((5, dim))

    def add(self, action: np.ndarray, policy_action: np.ndarray) -> None:
        """Add an exploring step: the executed a_t and mu(s_t), each (action_dim,).

        Both are in the environment's units.
        """
        self._rows.append(action - policy_action)
        if len(self._rows) >= _BLOCK:
            self._fold()

    def end_episode(self) -> None:
        """Let the next step begin an episode, so that it makes no pair with the last one."""
        self._fold()
        self._last = None

    def pop(self) -> dict[str, float]:
        """Return standard deviation and lag-1 autocorrelation since the last `pop`, and begin anew.

        The standard deviation is that about the mean; the autocorrelation is Pearson's, of the
        pairs of successive steps, and is left out where nothing varies. Both are pooled over
        dimensions.
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
        """Add the steps that were kept to the sums."""
        if not self._rows:
            return
        x = np.asarray(self._rows, np.float64) / self._scale
        self._count += len(x)
        self._sums += [x.sum(0), (x**2).sum(0)]
        run = x if self._last is None else np.vstack([self._last, x])
        p = run[:-1]
        q = run[1:]
        self._pairs += len(p)
        self._pair_sums += [p.sum(0), q.sum(0), (p**2).sum(0), (q**2).sum(0), (p * q).sum(0)]
        self._last = x[-1]
        self._rows = []

    def state_dict(self) -> dict[str, Any]:
        """Return the sums since the last `pop` and the last step, as numbers and lists."""
        self._fold()
        return {
            "count": self._count,
            "pairs": self._pairs,
            "sums": self._sums.tolist(),
            "pair_sums": self._pair_sums.tolist(),
            "last": None if self._last is None else self._last.tolist(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore the state that `state_dict` returned."""
        self._rows = []
        self._count = state["count"]
        self._pairs = state["pairs"]
        self._sums = np.array(state["sums"])
        self._pair_sums = np.array(state["pair_sums"])
        self._last = None if state["last"] is None else np.array(state["last"])


def _variance(mean: np.ndarray, mean_square: np.ndarray) -> np.ndarray:
    variance = mean_square - mean**2
    return np.where(variance > _NO_VARIANCE, variance, 0.0)
