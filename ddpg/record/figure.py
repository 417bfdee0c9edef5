"""The style of all pictures of this package, and how they are written."""

from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from ddpg.record.run_folder import atomic_write
from ddpg.record.series import short_number

INK = "#30343b"
GRID = "#e6e8eb"


def new_figure(height: float) -> tuple[Figure, Axes]:
    """Make a figure 8 inches wide and `height` inches high, without a display and without pyplot's global state."""
    figure = Figure(figsize=(8, height), dpi=150, layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.add_subplot()


def style_axes(axes: Axes, title: str, ylabel: str) -> None:
    """Set the title, the labels and the grid; the x-axis counts environment steps."""
    axes.set_title(title, loc="left", color=INK, fontsize=11, fontweight="bold")
    axes.set_xlabel("environment steps", color=INK)
    axes.set_ylabel(ylabel, color=INK)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: short_number(value)))
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, length=0)
    for side in axes.spines.values():
        side.set_visible(False)
    axes.margins(x=0.02)


def save_figure(figure: Figure, path: Path) -> Path:
    """Write a PNG that appears whole or not at all; return its path."""
    with atomic_write(path) as file:
        figure.savefig(file, format="png")
    return path
