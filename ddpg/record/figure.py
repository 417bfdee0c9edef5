"""The style of all pictures of this package, and how they are written."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from ddpg.record.run_folder import atomic_write
from ddpg.record.series import short_number

INK = "#30343b"
GRID = "#e6e8eb"
#: What leaves the date out of a file.
UNDATED = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}


@contextmanager
def picture(*paths: Path, height: float, width: float = 8) -> Iterator[Figure]:
    """Draw in this figure inside the block; at its end it becomes a file for each path, whole or not at all.

    The end of a path's name says what it becomes: .png, .svg or .pdf; equal figures become equal files. Sizes are in
    inches. The figure needs no display and changes nothing of pyplot's state. Its style is matplotlib's default,
    whatever the user's is. A $ in a text begins no formula, and a character that the font lacks is a box.
    """
    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing from font")
        matplotlib.rcdefaults()
        matplotlib.rcParams["text.parse_math"] = False
        matplotlib.rcParams["svg.hashsalt"] = "ddpg"
        figure = Figure(figsize=(width, height), dpi=150, layout="constrained")
        FigureCanvasAgg(figure)
        yield figure
        for path in paths:
            kind = path.suffix.removeprefix(".")
            with atomic_write(path) as file:
                figure.savefig(file, format=kind, metadata=UNDATED.get(kind))
            figure.set_layout_engine("none")  # what was laid out stays, and the next file takes half the time


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
