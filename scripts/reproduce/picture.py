"""docs/results/evidence.png: training here beside the published scores of a source, one panel an environment."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes

from ddpg.record.figure import INK, picture, style_axes
from ddpg.record.series import moving_mean
from ddpg.report.statistics import TRAINING
from reproduce.plan import ROOT, Row
from reproduce.scores import Record, published_interval, seeds_of

PICTURE = ROOT / "docs" / "results" / "evidence.png"
#: The source whose runs are drawn: the first of the list.
LABEL = "cleanrl"
COLORS = ("#1f5fbf", "#c8601c", "#2a8a5f", "#8a4fbf", "#8a8f98")
PUBLISHED = "#30343b"
PANEL_WIDTH, HEIGHT = 3.6, 3.3


def draw(path: Path, rows: Sequence[Row], records: Mapping[str, Record]) -> Path:
    """Draw a panel for each row; return the path of the picture."""
    with picture(path, height=HEIGHT, width=PANEL_WIDTH * len(rows)) as figure:
        panels = figure.subplots(1, len(rows), squeeze=False)[0]
        for axes, row in zip(panels, rows, strict=True):
            _draw_row(axes, row, seeds_of(row, records))
        handles, labels = max((axes.get_legend_handles_labels() for axes in panels), key=lambda found: len(found[1]))
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False, fontsize=8)
        figure.suptitle(
            f"preset={LABEL}: mean return of the last {TRAINING} training episodes",
            x=0.01, ha="left", color=INK, fontsize=11,
        )  # fmt: skip
    return path


def _draw_row(axes: Axes, row: Row, seeds: Mapping[int, Record]) -> None:
    for (seed, record), color in zip(seeds.items(), COLORS, strict=False):
        smooth = moving_mean(record.episodes, TRAINING)
        axes.plot(record.episode_ends, smooth, color=color, linewidth=1.5, label=f"seed {seed}")
    published = row.published["training"]
    low, high = published_interval(row, published)
    text = "published mean after 1M steps, 95 % interval"
    axes.axhspan(low, high, color=PUBLISHED, alpha=0.12, linewidth=0)
    axes.axhline(published.value, color=PUBLISHED, linewidth=1, linestyle="--", label=text)
    if not seeds:
        axes.text(0.5, 0.9, "no run is over yet", transform=axes.transAxes, ha="center", color=INK)
    style_axes(axes, row.environment, "return")
    axes.set_xlim(0, row.steps)
