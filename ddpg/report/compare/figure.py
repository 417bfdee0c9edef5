"""The picture of a comparison: performance profiles, and the differences with their intervals."""

import textwrap
from pathlib import Path

from matplotlib.axes import Axes

from ddpg.record.figure import GRID, INK, picture
from ddpg.report.compare.overall import THRESHOLDS
from ddpg.report.compare.pairs import Comparison
from ddpg.report.compare.result import Result
from ddpg.report.drawing import look
from ddpg.report.palette import PALETTE
from ddpg.report.selection import count

#: Characters of a line of a label.
LINE = 44
#: Inches for a line of the labels of differences, and for what is around them.
ROW = 0.15
AROUND = 1.3
LEAST = 3.6
#: With more configurations the bands of their profiles would only hide each other.
MOST_BANDS = 4


def draw(found: Result, path: Path) -> None:
    """Write the picture: profiles on the left, differences of normalized scores with t intervals on the right."""
    shown = [one for one in found.comparisons if one.tests is not None]
    lines = sum(label(one).count("\n") + 1 for one in shown)
    with picture(path, height=max(LEAST, AROUND + ROW * lines), width=11) as figure:
        left, right = figure.subplots(1, 2)
        _profiles(left, found)
        _differences(right, found, shown)


def _profiles(axes: Axes, found: Result) -> None:
    band = ", 95 % at each score" if len(found.overall) <= MOST_BANDS else ""
    _style(axes, f"Performance profiles over {count(len(found.shared), 'environments')}{band}")
    for place, one in enumerate(found.overall):
        color, style, _ = look(place)
        label = textwrap.fill(f"{one.configuration} ({count(one.runs, 'runs')})", LINE)
        axes.plot(THRESHOLDS, one.profile.share, color=color, linestyle=style, linewidth=1.8, label=label)
        if len(found.overall) <= MOST_BANDS:
            axes.fill_between(THRESHOLDS, one.profile.low, one.profile.high, color=color, alpha=0.12, linewidth=0)
    axes.set_xlabel("normalized score", color=INK)
    axes.set_ylabel("share of runs above it", color=INK)
    axes.set_ylim(-0.02, 1.02)
    if found.overall:
        axes.legend(loc="best", frameon=False, fontsize=8, labelcolor=INK)


def _differences(axes: Axes, found: Result, shown: list[Comparison]) -> None:
    _style(axes, f"Differences, {found.design.words.t} 95 % (filled: significant)")
    axes.axvline(0.0, color=INK, linewidth=0.8)
    for place, one in enumerate(shown):
        assert one.tests is not None
        low, high = found.ranges[one.environment]
        size = high - low if high > low else 1.0
        color = PALETTE[found.pairs.index(one.pair) % len(PALETTE)]
        bounds = [one.tests.t_test.low / size, one.tests.t_test.high / size]
        axes.plot(bounds, [place, place], color=color, linewidth=1.8)
        filled = color if one.tests.better else "white"
        axes.plot([one.difference / size], [place], "o", color=color, markerfacecolor=filled, markersize=6)
    axes.set_yticks(range(len(shown)), list(map(label, shown)), fontsize=7)
    axes.invert_yaxis()
    axes.margins(y=0.15)
    axes.set_xlabel("difference of normalized scores", color=INK)


def label(one: Comparison) -> str:
    """Name a difference in lines that leave room for the picture."""
    first, second = one.pair
    return "\n".join([one.environment, textwrap.fill(first, LINE), textwrap.fill(f"minus {second}", LINE)])


def _style(axes: Axes, title: str) -> None:
    axes.set_title(title, loc="left", color=INK, fontsize=10, fontweight="bold")
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, length=0)
    for side in axes.spines.values():
        side.set_visible(False)
