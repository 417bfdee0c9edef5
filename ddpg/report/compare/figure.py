"""The picture of a comparison: performance profiles, and the differences with their intervals."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from ddpg.record.figure import GRID, INK, picture
from ddpg.report.compare.overall import THRESHOLDS
from ddpg.report.compare.pairs import Comparison
from ddpg.report.compare.result import Result
from ddpg.report.drawing import Look, looks_of
from ddpg.report.selection import count

#: Characters of a line of a label.
LINE = 44
#: Inches for a line of the labels of differences, and for what is around them.
ROW = 0.15
AROUND = 1.3
LEAST = 3.6
#: With more configurations the bands of their profiles would only hide each other.
MOST_BANDS = 4
#: The pairs of a difference are so far above its interval, in rows.
ABOVE = 0.16


def draw(found: Result, path: Path) -> None:
    """Write the picture: profiles on the left, differences with t intervals on the right.

    Scores of several environments are normalized; those of a single one are drawn as they are. A configuration has the
    colour that it has in the pictures of a report, and a difference the colour of its first configuration, which is the
    better one where the difference is above 0.
    """
    looks = looks_of(found.labels)
    shown = [one for one in found.comparisons if one.tests is not None]
    lines = sum(label(one).count("\n") + 1 for one in shown)
    with picture(path, height=max(LEAST, AROUND + ROW * lines), width=11) as figure:
        left, right = figure.subplots(1, 2)
        _profiles(left, found, looks)
        _differences(right, found, shown, looks)


def _profiles(axes: Axes, found: Result, looks: Mapping[str, Look]) -> None:
    band = ", 95 % at each score" if len(found.overall) <= MOST_BANDS else ""
    _style(axes, f"Performance profiles over {count(len(found.shared), 'environments')}{band}")
    low, size = _scale(found, found.shared[0]) if found.shared else (0.0, 1.0)
    scores = low + size * THRESHOLDS if is_single(found) else THRESHOLDS
    for one in found.overall:
        color, style, _ = looks[one.configuration]
        label = textwrap.fill(f"{one.configuration} ({count(one.runs, 'runs')})", LINE)
        share = one.profile
        axes.step(scores, share.share, where="post", color=color, linestyle=style, linewidth=1.8, label=label)
        if len(found.overall) <= MOST_BANDS:
            axes.fill_between(scores, share.low, share.high, step="post", color=color, alpha=0.12, linewidth=0)
    axes.set_xlabel(found.options.metric if is_single(found) else f"normalized score ({_meaning(found)})", color=INK)
    axes.set_ylabel("share of runs above it", color=INK)
    axes.set_ylim(-0.02, 1.02)
    if found.overall:
        axes.legend(loc="best", frameon=False, fontsize=8, labelcolor=INK)


def _differences(axes: Axes, found: Result, shown: Sequence[Comparison], looks: Mapping[str, Look]) -> None:
    pairs = ", dots: pairs" if found.options.paired else ""
    _style(axes, f"Differences, {found.design.words.t} 95 % (filled: significant{pairs})")
    axes.axvline(0.0, color=INK, linewidth=0.8)
    for place, one in enumerate(shown):
        assert one.tests is not None
        size = 1.0 if is_single(found) else _scale(found, one.environment)[1]
        color, _, _ = looks[one.first.configuration]
        bounds = [one.tests.t_test.low / size, one.tests.t_test.high / size]
        axes.plot(bounds, [place, place], color=color, linewidth=1.8)
        filled = color if one.tests.better else "white"
        axes.plot([one.difference / size], [place], "o", color=color, markerfacecolor=filled, markersize=6)
        if one.pairing is not None:
            differences = one.pairing.differences / size
            axes.plot(differences, np.full(len(differences), place - ABOVE), ".", color=color, alpha=0.6, markersize=5)
    axes.set_yticks(range(len(shown)), list(map(label, shown)), fontsize=7)
    axes.set_ylim(max(1, len(shown)) - 0.5, -0.5)
    axes.set_xlabel(f"difference of {found.options.metric if is_single(found) else 'normalized scores'}", color=INK)


def is_single(found: Result) -> bool:
    """Tell whether all scores are of one environment."""
    return len(found.scores) == 1


def _scale(found: Result, environment: str) -> tuple[float, float]:
    """Return the score of an environment that becomes 0, and how far above it the one is that becomes 1."""
    low, high = found.ranges[environment]
    return low, high - low if high > low else 1.0


def _meaning(found: Result) -> str:
    if found.options.low is None:
        return "0, 1: lowest, highest run of its environment"
    return "0, 1: low, high of the command"


def label(one: Comparison) -> str:
    """Name a difference in lines that leave room for the picture."""
    first, second = one.pair
    return "\n".join([one.environment, textwrap.fill(first, LINE), textwrap.fill(f"minus {second}", LINE)])


def _style(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", color=INK, fontsize=10, fontweight="bold")
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
