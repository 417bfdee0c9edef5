"""Pictures of how speed depends on sizes: each curve beside its floor."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, NullLocator

from ddpg.record.figure import INK, picture, style_axes
from ddpg.record.learning_curve import EVALUATION, TRAINING
from ddpg.record.series import short_number


@dataclass(frozen=True)
class Picture:
    """Titles, the label of each line (the first is the floor), and whether speeds fall by orders of magnitude."""

    title: str
    xlabel: str
    ylabel: str
    lines: Mapping[str, str]
    steep: bool = False


SPEEDS = {
    "floor_per_s": "floor: torch's matrix products of an update",
    "updates_per_s": "updates, with sampling",
    "steps_per_s": "env steps, with an env that costs nothing",
}
PICTURES = {
    "width": Picture("Width of the networks", "units of each of the two hidden layers", "per second", SPEEDS, True),
    "batch": Picture("Size of the minibatch", "transitions in a minibatch", "per second", SPEEDS, True),
    "observation": Picture("Size of the observation", "numbers in an observation", "per second", SPEEDS),
    "fill": Picture("What the replay memory holds", "transitions in the replay memory", "per second", SPEEDS),
    "activity": Picture("Hidden units at work", "share of the hidden numbers that are not zero", "per second", {
        "floor_per_s": SPEEDS["floor_per_s"], "updates_per_s": "updates, of minibatches drawn before",
    }),
    "runs": Picture("Runs at a time", "training runs at a time", "env steps/s of all runs together", {
        "floor_per_s": "one run alone, times the cores in use", "steps_per_s": "all runs together",
    }),
}  # fmt: skip
STYLES = [(TRAINING, "--", "s"), (EVALUATION, "-", "o"), ("#c8601c", ":", "^")]


def draw(found: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write growth_CURVE.png for each curve that was measured."""
    return [
        _draw(PICTURES[name], found[name]["points"], folder / f"growth_{name}.png")
        for name in PICTURES
        if name in found
    ]


def _draw(plan: Picture, points: Sequence[Mapping[str, float]], path: Path) -> Path:
    values = [point["value"] for point in points]
    with picture(path, height=3.8) as figure:
        axes = figure.add_subplot()
        for (key, label), (color, style, marker) in zip(plan.lines.items(), STYLES, strict=False):
            speeds = [point[key] for point in points]
            axes.plot(values, speeds, style, color=color, marker=marker, markersize=4.5, linewidth=1.8, label=label)
        style_axes(axes, plan.title, plan.ylabel)
        _scale(axes, values, plan.steep)
        axes.set_xlabel(plan.xlabel, color=INK)
        axes.legend(frameon=False, fontsize=8, labelcolor=INK)
    return path


def _scale(axes: Axes, values: Sequence[float], steep: bool) -> None:
    """Scale values to base 2 with a tick at each; speeds also if they fall steeply, else from 0."""
    axes.set_xscale("log", base=2)
    axes.set_xticks(values)
    axes.xaxis.set_minor_locator(NullLocator())
    if steep:
        axes.set_yscale("log", base=2)
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.set_ylim(bottom=0)
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}" if value < 1e4 else short_number(value)))
