"""Learning curves: a picture for each environment, in it a line for each configuration."""

import re
import textwrap
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ddpg.plot import INK, TRAINING, dress, new_figure, save
from ddpg.report.samples import Sample
from ddpg.report.statistics import ENOUGH, Estimates, iqm

#: Okabe and Ito's colours, which the colour-blind can tell apart, without the yellow, which paper swallows.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
STYLES = ("-", "--", ":")
#: Labels longer than WIDE have a line of the legend to themselves, those longer than LINE have several.
WIDE, LINE = 46, 100

Look = tuple[str, str]


def draw(found: Sequence[Sample], metric: str, estimates: Estimates, out: Path) -> dict[str, Path]:
    """Writes ENVIRONMENT.png into the folder `out`, by environment; none where no step is shared."""
    pictures = {}
    for environment, samples in groupby(found, key=lambda sample: sample.environment):
        looks = {sample: look(place) for place, sample in enumerate(samples) if len(sample.steps)}
        if looks:
            path = out / f"{re.sub(r'[^A-Za-z0-9_.-]+', '_', environment)}.png"
            pictures[environment] = _picture(environment, looks, metric, estimates, path)
    return pictures


def look(place: int) -> Look:
    """Colour and style of a line; 21 of them differ."""
    return PALETTE[place % len(PALETTE)], STYLES[place // len(PALETTE) % len(STYLES)]


def _picture(environment: str, looks: dict[Sample, Look], metric: str, estimates: Estimates, path: Path) -> Path:
    ranked = sorted(looks, key=lambda sample: -iqm(sample.values)[-1])  # the legend reads as the lines end
    names = [_legend_name(sample) for sample in ranked]
    columns = 1 if max(map(len, names)) > WIDE or len(ranked) < 3 else 2
    lines = sum(name.count("\n") + 1 for name in names) + _any_unfinished(ranked)
    figure, axes = new_figure(4.3 + 0.2 * -(-lines // columns))
    shade = 0.15 if len(ranked) <= 4 else 0.09
    handles = [_curve(axes, sample, looks[sample], estimates, shade) for sample in ranked]
    dress(axes, environment, "evaluation return" if metric == "eval/episodic_return" else metric)
    axes.text(0.99, 1.02, _subtitle(ranked), transform=axes.transAxes, ha="right", fontsize=8, color=INK)
    if _any_unfinished(ranked):
        handles.append(Line2D([], [], color=TRAINING, linewidth=0.9, label="thin: a run that has not reached the end"))
    figure.legend(handles=handles, loc="outside lower left", ncols=columns, frameon=False, fontsize=8, labelcolor=INK)
    return save(figure, path)


def _curve(axes: Axes, sample: Sample, look: Look, estimates: Estimates, shade: float) -> Line2D:
    color, style = look
    bounds = estimates.interval(sample.values)
    if bounds is not None:
        axes.fill_between(sample.steps, bounds[0], bounds[1], color=color, alpha=shade, linewidth=0)
    for run in sample.unfinished:
        axes.plot(run.steps, run.values, color=color, linestyle=style, linewidth=0.9, alpha=0.6)
    marker = "o" if len(sample.steps) <= 3 else None  # a line through one point would not be seen
    [line] = axes.plot(
        sample.steps, iqm(sample.values), color=color, linestyle=style, linewidth=1.8, marker=marker, markersize=3.5,
        label=_legend_name(sample),
    )  # fmt: skip
    return line


def _legend_name(sample: Sample) -> str:
    count = len(sample.seeds)
    return textwrap.fill(f"{sample.configuration} ({count} seed{'s' if count > 1 else ''})", LINE)


def _subtitle(samples: Sequence[Sample]) -> str:
    counts = [len(sample.seeds) for sample in samples]
    if max(counts) == 1:
        return "one seed: no interval"
    few = f" (from {ENOUGH} seeds on)" if min(counts) < ENOUGH else ""
    return f"interquartile mean, 95 % bootstrap interval{few}"


def _any_unfinished(samples: Sequence[Sample]) -> bool:
    return any(run.steps.size for sample in samples for run in sample.unfinished)
