"""learning_curve.png: how a run learned, drawn from its metrics.jsonl."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter
from numpy.typing import NDArray

from ddpg.record.run_folder import atomic_write
from ddpg.record.tracking.metrics import Row, read_metrics

TRAINING = "#8a8f98"
EVALUATION = "#1f5fbf"
INK = "#30343b"

Series = NDArray[np.float64]


def learning_curve(run_dir: Path, title: str) -> Path:
    """Draw learning_curve.png in a run folder: training returns, evaluation mean with its spread."""
    rows = read_metrics(run_dir / "metrics.jsonl")
    figure, axes = new_figure(4.5)
    _draw_training(axes, *series(rows, "charts/episodic_return"))
    _draw_evaluation(axes, *series(rows, "eval/episodic_return", "eval/episodic_return_std"))
    dress(axes, title, "return (sum of rewards of an episode)")
    if axes.lines:
        axes.legend(frameon=False, fontsize=8, labelcolor=INK)
    else:
        axes.text(0.5, 0.5, "no episode finished yet", transform=axes.transAxes, ha="center", color=INK)
    return save(figure, run_dir / "learning_curve.png")


def new_figure(height: float) -> tuple[Figure, Axes]:
    """A figure 8 inches wide; without a display, and without pyplot's state."""
    figure = Figure(figsize=(8, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def save(figure: Figure, path: Path) -> Path:
    """Writes a PNG that appears whole or not at all."""
    with atomic_write(path) as file:
        figure.savefig(file, format="png")
    return path


def series(rows: list[Row], *keys: str) -> tuple[Series, ...]:
    """env_step and the values of `keys`, each [n], from the rows where the first key is a finite number."""
    chosen = [row for row in rows if np.isfinite(row.get(keys[0], np.nan))]
    return tuple(np.array([row.get(key, np.nan) for row in chosen], dtype=np.float64) for key in ("env_step", *keys))


def moving_mean(values: Series, window: int) -> Series:
    """Mean of the last `window` values at each place, of fewer at the beginning. [n] -> [n]"""
    total = np.cumsum(np.concatenate([[0.0], values]))
    end = np.arange(1, len(values) + 1)
    start = np.maximum(end - window, 0)
    return np.asarray((total[end] - total[start]) / (end - start))


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


def dress(axes: Axes, title: str, ylabel: str) -> None:
    """Title, axes and grid, as all pictures of this package have them."""
    axes.set_title(title, loc="left", color=INK, fontsize=11, fontweight="bold")
    axes.set_xlabel("environment steps", color=INK)
    axes.set_ylabel(ylabel, color=INK)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))
    axes.grid(color="#e6e8eb", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.margins(x=0.02)


def short_number(value: float) -> str:
    """20000 -> 20k, 1500000 -> 1.5M."""
    for unit, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:g}{letter}"
    return f"{value:g}"
