"""The picture of how a run learned, drawn from its metrics.jsonl."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from ddpg.record.figure import INK, picture, style_axes
from ddpg.record.series import Series, moving_mean, series
from ddpg.record.tracking.metrics import read_metrics

TRAINING = "#8a8f98"
EVALUATION = "#1f5fbf"


def learning_curve(run_dir: Path, title: str, path: Path) -> None:
    """Draw how the run in a folder learned: training returns, and the evaluation mean with its spread."""
    rows = read_metrics(run_dir / "metrics.jsonl")
    with picture(path, height=4.5) as figure:
        axes = figure.add_subplot()
        _draw_training(axes, *series(rows, "charts/episodic_return"))
        _draw_evaluation(axes, *series(rows, "eval/episodic_return", "eval/episodic_return_std"))
        style_axes(axes, title, "return (sum of rewards of an episode)")
        if axes.lines:
            axes.legend(frameon=False, fontsize=8, labelcolor=INK)
        else:
            axes.text(0.5, 0.5, "no episode finished yet", transform=axes.transAxes, ha="center", color=INK)


def _draw_training(axes: Axes, steps: Series, returns: Series) -> None:
    if len(steps) == 0:
        return
    marker = "." if len(steps) < 3 else None  # a line through one point would not be seen
    label = "training episodes"
    axes.plot(steps, returns, color=TRAINING, linewidth=0.6, alpha=0.45, marker=marker, label=label)
    window = min(50, len(steps) // 10)
    if window >= 2:
        label = f"training, mean of the last {window} episodes"
        axes.plot(steps, moving_mean(returns, window), color=TRAINING, linewidth=1.6, label=label)


def _draw_evaluation(axes: Axes, steps: Series, mean: Series, std: Series) -> None:
    if len(steps) == 0:
        return
    if np.isfinite(std).any():
        label = "± standard deviation over the episodes of an evaluation"
        axes.fill_between(steps, mean - std, mean + std, color=EVALUATION, alpha=0.18, linewidth=0, label=label)
    marker = "o" if len(steps) <= 60 else None
    label = "evaluation mean, without exploration noise"
    axes.plot(steps, mean, color=EVALUATION, linewidth=2, marker=marker, markersize=3.5, label=label)
