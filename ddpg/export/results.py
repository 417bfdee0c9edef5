"""The evaluation of an exported policy in the words of a model card."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ddpg.policies import Description

#: What the number after ± is.
INTERVAL = "standard deviation over these episodes of this one policy, not over training runs"


@dataclass(frozen=True)
class Results:
    """Numbers as text, but `returns`."""

    returns: np.ndarray
    mean: str
    std: str
    smallest: str
    largest: str
    length: str
    episodes: int
    seeds: str
    interval: str = INTERVAL


def results(description: Description) -> Results | None:
    """Return the results of the evaluation; None if there was none."""
    evaluation = description.evaluation
    if evaluation is None or not evaluation.returns:
        return None
    returns = np.array(evaluation.returns)
    return Results(
        returns=returns,
        mean=f"{returns.mean():.2f}",
        std=f"{returns.std():.2f}",
        smallest=f"{returns.min():.2f}",
        largest=f"{returns.max():.2f}",
        length=f"{np.mean(evaluation.lengths):.1f}",
        episodes=len(returns),
        seeds=", ".join(map(str, evaluation.seeds)),
    )


def model_index(algorithm: str, environment: str, found: Results) -> list[dict[str, Any]]:
    """Return the results as the Hub's `model-index` has them.

    `mean_reward` is the text that its leaderboards read; the numbers follow apart.
    """
    how = {"episodes": found.episodes, "seeds": found.seeds, "interval": found.interval}
    metrics = [
        {"type": "mean_reward", "name": "mean_reward", "value": f"{found.mean} +/- {found.std}", "args": how},
        {"type": "mean_return", "name": "mean return", "value": float(found.returns.mean())},
        {"type": "std_return", "name": "standard deviation of the return", "value": float(found.returns.std())},
    ]
    result = {
        "task": {"type": "reinforcement-learning", "name": "reinforcement-learning"},
        "dataset": {"type": environment, "name": environment},
        "metrics": metrics,
    }
    return [{"name": algorithm, "results": [result]}]
