"""The pictures in docs/results/evidence: curves here beside the published scores, a panel for each environment."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ddpg.record.figure import INK, picture, style_axes
from ddpg.record.series import Series, moving_mean
from ddpg.report.drawing import look
from ddpg.report.statistics import EVALUATIONS, TRAINING
from reproduce.plan import ROOT, Comparison, Plan, Row
from reproduce.published import CONVENTIONS, Convention
from reproduce.scores import Record, Records, seeds_of
from reproduce.tables import environments, span

PICTURES = ROOT / "docs" / "results" / "evidence"
HERE, PUBLISHED = "#1f5fbf", "#30343b"
#: Where a legend is.
Place = Literal["outside right upper", "outside lower center"]
#: Inches; a comparison has its legend on the right.
PANEL_WIDTH, PANEL_HEIGHT, AROUND, LEGEND = 3.6, 2.7, 0.9, 1.9
#: Points of a mean over seeds whose episodes end at different steps.
POINTS = 400


def source_picture(rows: Sequence[Row]) -> Path:
    """The file of the picture of a source."""
    return PICTURES / f"{rows[0].label}_{rows[0].suite}.png"


def comparison_picture(comparison: Comparison) -> Path:
    """The file of the picture of a comparison."""
    return PICTURES / f"{comparison.name}.png"


def draw_all(plan: Plan, records: Records) -> list[Path]:
    """Draw the picture of every source and comparison that has records; return the files."""
    drawn = []
    for rows in plan.published_sources():
        known = _with_records(rows, records)
        if known:
            drawn.append(draw_source(source_picture(rows), known, records))
    for comparison in plan.comparisons:
        known = _with_records(plan.rows_of(comparison), records)
        if known:
            drawn.append(draw_comparison(comparison_picture(comparison), comparison, known, records))
    return drawn


def _with_records(rows: Sequence[Row], records: Records) -> list[Row]:
    return [row for row in rows if seeds_of(row, records)]


def draw_source(path: Path, rows: Sequence[Row], records: Records) -> Path:
    """Draw a panel for each row of a source, all of which have records: the seeds, their mean, what is published."""
    with picture(path, **_size(len(rows))) as figure:
        panels = _panels(figure, len(rows))
        for axes, row in zip(panels, rows, strict=True):
            _draw_row(axes, row, records)
        title = f"{rows[0].label}: {_curve_name(_convention(rows[0]))}"
        _finish(figure, panels, title, "outside lower center", columns=4 if len(rows) == 3 else 2)
    return path


def draw_comparison(path: Path, comparison: Comparison, rows: Sequence[Row], records: Records) -> Path:
    """Draw a panel for each environment of a comparison: the mean over seeds of each of its rows that has records."""
    names = list(dict.fromkeys(row.environment for row in rows))
    with picture(path, **_size(len(names), beside=LEGEND)) as figure:
        panels = _panels(figure, len(names))
        for axes, name in zip(panels, names, strict=True):
            same = [row for row in rows if row.environment == name]
            for row in same:
                color, style, _ = look(comparison.labels.index(row.label))
                steps, mean = mean_curve(list(seeds_of(row, records).values()), comparison.convention, row.steps)
                label = _label(row, rows, records)
                axes.plot(steps, mean, color=color, linestyle=style, linewidth=1.6, label=label)
            _style(axes, same[0], environments(same[0], records))
        single = all(len(seeds_of(row, records)) == 1 for row in rows)
        title = (
            f"{'a single seed each' if single else 'mean over seeds (how many)'}: {_curve_name(comparison.convention)}"
        )
        _finish(figure, panels, title, "outside right upper")
    return path


def _label(row: Row, rows: Sequence[Row], records: Records) -> str:
    """The label of a row, and how many seeds it has in the environments of a comparison."""
    return f"{row.label} ({span([len(seeds_of(other, records)) for other in rows if other.label == row.label])})"


def mean_curve(records: Sequence[Record], convention: Convention, end: float) -> tuple[Series, Series]:
    """Return steps [n] and the mean over seeds [n], from where all have a value on.

    A seed that diverged keeps its last value.
    """
    curves = [curve(record, convention) for record in records]
    grid = np.linspace(max(float(steps[0]) for steps, _ in curves), end, POINTS)
    return grid, np.mean([np.interp(grid, steps, values) for steps, values in curves], axis=0)


def curve(record: Record, convention: Convention) -> tuple[Series, Series]:
    """Return steps and values [n]: means of the last 100 training episodes or 10 evaluations, or each evaluation."""
    if convention == "training":
        return record.episode_ends, moving_mean(record.episodes, TRAINING)
    if convention == "last_10":
        return record.evaluation_steps, moving_mean(record.evaluations, EVALUATIONS)
    return record.evaluation_steps, record.evaluations


def _convention(row: Row) -> Convention:
    """The convention by which a row is drawn: the first of its published ones that is the end of a curve, if any is."""
    return next((convention for convention in row.published if convention != "max"), "max")


def _curve_name(convention: Convention) -> str:
    return f"mean return of the {CONVENTIONS[convention]}" if convention in ("training", "last_10") else "evaluations"


def _size(panels: int, beside: float = 0.0) -> dict[str, float]:
    lines, columns = _grid(panels)
    return {"height": AROUND + PANEL_HEIGHT * lines, "width": PANEL_WIDTH * max(columns, 2) + beside}


def _grid(panels: int) -> tuple[int, int]:
    """Return lines and columns: at most three in a line, and two lines of two."""
    columns = 2 if panels == 4 else min(panels, 3)
    return -(-panels // columns), columns


def _panels(figure: Figure, count: int) -> list[Axes]:
    lines, columns = _grid(count)
    panels = list(figure.subplots(lines, columns, squeeze=False).flat)
    for unused in panels[count:]:
        unused.set_axis_off()
    return panels[:count]


def _draw_row(axes: Axes, row: Row, records: Records) -> None:
    seeds = list(seeds_of(row, records).values())
    convention = _convention(row)
    if len(seeds) == 1:
        axes.plot(*curve(seeds[0], convention), color=HERE, linewidth=1.2, label="a seed alone")
    else:
        for record in seeds:
            axes.plot(*curve(record, convention), color=HERE, linewidth=0.8, alpha=0.45, label="a seed")
        axes.plot(*mean_curve(seeds, convention, row.steps), color=HERE, linewidth=2.2, label="mean over seeds")
    _draw_published(axes, row, convention)
    _style(axes, row, f"{environments(row, records)}\n{_seeds_drawn(row, seeds)}")


def _seeds_drawn(row: Row, seeds: Sequence[Record]) -> str:
    """Say how many seeds there are, and of how many while a verdict needs more."""
    if len(seeds) < row.judged_seeds:
        return f"{len(seeds)} of {row.judged_seeds} seeds"
    return f"{len(seeds)} seeds"


def _draw_published(axes: Axes, row: Row, convention: Convention) -> None:
    """Draw the published score of the convention of the curves; one of another convention is no level of theirs."""
    score = row.published[convention]
    text = f"published, {CONVENTIONS[convention]}"
    if score.deviation:
        text += ", ± standard deviation of seeds"
    elif score.read_off:
        text += ", ± precision of its reading"
    axes.axhline(score.value, color=PUBLISHED, linewidth=1.2, linestyle="--", label=text)
    half = score.deviation or score.read_off
    if half:
        axes.axhspan(score.value - half, score.value + half, color=PUBLISHED, alpha=0.1, linewidth=0)


def _style(axes: Axes, row: Row, title: str) -> None:
    style_axes(axes, title, "return")
    axes.set_xlim(0, row.steps)


def _finish(figure: Figure, panels: Sequence[Axes], title: str, place: Place, columns: int = 1) -> None:
    """Add the title, and one legend in which every name stands once."""
    named = {name: line for axes in panels for line, name in zip(*axes.get_legend_handles_labels(), strict=True)}
    figure.legend(list(named.values()), list(named), loc=place, ncols=columns, frameon=False, fontsize=8)
    figure.suptitle(title, x=0.01, ha="left", color=INK, fontsize=11)
