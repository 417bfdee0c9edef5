"""Learning curves: a picture for each environment, in it a line for each configuration."""

import re
import textwrap
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from ddpg.record.figure import INK, picture, style_axes
from ddpg.report.intervals import ENOUGH, FEW, mean_interval
from ddpg.report.metric import Metric
from ddpg.report.palette import PALETTE, STYLES
from ddpg.report.samples import WINDOW, Sample
from ddpg.report.selection import count

MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")
#: The legend has one column if a label is longer than WIDE characters; a label is wrapped after LINE characters.
WIDE = 46
LINE = 100
THIN: dict[str, Any] = {"linewidth": 0.8, "alpha": 0.6}

#: Splits a label so that numbers are at odd places; a minus belongs to one after a = alone, as on the page.
NUMBERS = re.compile(r"((?:(?<==)-)?\d+(?:\.\d+)?(?:e[-+]?\d+)?)")

#: Colour, style and marker of a line.
Look = tuple[str, str, str]


def draw(found: Sequence[Sample], metric: Metric, out: Path) -> dict[str, list[Path]]:
    """Draw a picture for each environment into the folder `out`: for a screen as PNG, for a paper as SVG and PDF.

    Return the files by environment, PNG first; none where no step is shared.
    """
    pictures = {}
    known = looks_of(sample.configuration for sample in found)
    for environment, samples in groupby(found, key=lambda sample: sample.environment):
        looks = {sample: known[sample.configuration] for sample in samples if len(sample.steps)}
        if looks:
            pictures[environment] = picture_files(environment, out)
            _picture(environment, looks, metric, pictures[environment])
    return pictures


def picture_files(name: str, out: Path) -> list[Path]:
    """Return the files of a picture, PNG first, with a name that is safe for file systems."""
    safe = re.sub(r"[^A-Za-z0-9_.-]+", "_", name)
    return [out / f"{safe}.{kind}" for kind in ("png", "svg", "pdf")]


def looks_of(labels: Iterable[str]) -> dict[str, Look]:
    """Choose the look of each label by its place among those of all environments, in natural order.

    So a configuration looks the same in every picture, whichever others are in it and however they rank.
    """
    ordered = sorted(sorted(set(labels)), key=_with_numbers)  # in one order also where only capitals differ
    return {label: look(place) for place, label in enumerate(ordered)}


def _with_numbers(label: str) -> list[str | float]:
    """Return a sorting key by which numbers count as numbers, and capitals do not: lr=0.0003 before lr=0.001."""
    return [float(part) if place % 2 else part.casefold() for place, part in enumerate(NUMBERS.split(label))]


def look(place: int) -> Look:
    """Choose the look of a line by its place: 21 of them differ, and neighbours differ in all three."""
    return PALETTE[place % len(PALETTE)], STYLES[place % len(STYLES)], MARKERS[place % len(MARKERS)]


def _picture(environment: str, looks: dict[Sample, Look], metric: Metric, paths: Sequence[Path]) -> None:
    ranked = sorted(looks, key=lambda sample: -sample.values.mean(axis=0)[-1])  # the legend reads as the lines end
    names = [_legend_name(sample) for sample in ranked]
    thin = _thin_lines(ranked)
    columns = 1 if max(map(len, names)) > WIDE or len(ranked) < 3 else 2
    lines = sum(name.count("\n") + 1 for name in names) + len(thin)
    shade = 0.15 if len(ranked) <= 4 else 0.09
    with picture(*paths, height=4.3 + 0.2 * -(-lines // columns)) as figure:
        axes = figure.add_subplot()
        handles = [draw_curve(axes, sample, looks[sample], shade, ranked) for sample in ranked]
        style_axes(axes, environment, _ylabel(metric))
        axes.text(0.99, 1.02, _subtitle(ranked), transform=axes.transAxes, ha="right", fontsize=8, color=INK)
        figure.legend(
            handles=[*handles, *thin], loc="outside lower left", ncols=columns, frameon=False, fontsize=8,
            labelcolor=INK, handlelength=3.2,
        )  # fmt: skip


def draw_curve(axes: Axes, sample: Sample, look: Look, shade: float, drawn: Sequence[Sample]) -> Line2D:
    """Draw a configuration: its mean, the interval, and thin lines for few seeds or unfinished runs."""
    color, style, marker = look
    bounds = mean_interval(sample.values)
    if bounds is not None:
        axes.fill_between(sample.steps, bounds[0], bounds[1], color=color, alpha=shade, linewidth=0)
    if 1 < len(sample.seeds) < FEW:
        axes.plot(sample.steps, sample.values.T, color=color, **THIN)
    for run in sample.unfinished:
        axes.plot(run.steps, run.values, color=color, marker="x", markersize=5, markevery=[-1], **THIN)
    # where lines lie on each other, dashes are drawn above solid lines, and the markers are at different steps
    [line] = axes.plot(
        sample.steps, sample.values.mean(axis=0), color=color, linestyle=style, linewidth=1.8, marker=marker,
        markersize=4.5, markevery=marker_places(len(sample.steps), drawn.index(sample), len(drawn)),
        label=_legend_name(sample), zorder=3 + STYLES.index(style) / 10,
    )  # fmt: skip
    return line


def marker_places(points: int, place: int, lines: int) -> tuple[int, int]:
    """Return the first marker and the distance to the next: about 6 on a line, where no other line has one."""
    every = max(lines, points // 6)
    return (place * every // lines, every) if points > every else (0, 1)


def _thin_lines(samples: Sequence[Sample]) -> list[Line2D]:
    """Make the legend's entries for the thin lines."""
    lines = []
    if any(1 < len(sample.seeds) < FEW for sample in samples):
        lines.append(Line2D([], [], color=INK, label="thin: each single seed", **THIN))
    if any(run.steps.size for sample in samples for run in sample.unfinished):
        label = "thin, ends in a cross: a run that is left out"
        lines.append(Line2D([], [], color=INK, marker="x", markersize=5, label=label, **THIN))
    return lines


def _ylabel(metric: Metric) -> str:
    if metric.of_episodes:
        what = "training return" if metric.is_return else metric.name
        return f"{what}, mean of the last {WINDOW} episodes"
    return "evaluation return" if metric.name == "eval/episodic_return" else metric.name


def _legend_name(sample: Sample) -> str:
    seeds = count(sample.started, "seeds")
    counted = f"{len(sample.seeds)} of {seeds}" if sample.unfinished else seeds
    return textwrap.fill(f"{sample.configuration} ({counted})", LINE)


def _subtitle(samples: Sequence[Sample]) -> str:
    counts = [len(sample.seeds) for sample in samples]
    if max(counts) == 1:
        return "one seed: no interval"
    few = f" (from {ENOUGH} seeds on)" if min(counts) < ENOUGH else ""
    return f"mean over seeds, 95 % t interval{few}"
