"""The page of a report as one HTML file: data, styles and scripts are inside, and it asks no server for anything."""

import base64
import gzip
import json
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment

from ddpg.record.run_folder import atomic_write
from ddpg.report.palette import PALETTE
from ddpg.report.payload import Payload, to_json

FOLDER = files("ddpg.report.page")
#: The scripts in the order in which they are put together; those of a live page come before main.js.
SCRIPTS = (
    "dom", "numbers", "data", "statistics", "frame", "view", "grouping", "curves", "looks", "chart", "marks", "tooltip",
    "legend", "panels", "toolbar", "glance", "columns", "table", "failures", "effects", "swept", "run", "study",
    "study_charts", "study_confirmation", "study_population",
)  # fmt: skip
STYLES = ("vendor/uPlot.min.css", "style.css")


def write_page(payload: Payload, path: Path) -> None:
    """Write the page of a payload; the file appears whole or not at all."""
    with atomic_write(path) as file:
        file.write(page(payload).encode())


def page(payload: Payload) -> str:
    """Make the page of a payload, which is put into it as compressed JSON."""
    text = to_json(payload)
    packed = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
    return _html(packed, SCRIPTS, STYLES)


def live_page() -> str:
    """Make the page without data: its script asks the server that sent it."""
    return _html("", (*SCRIPTS, "live_table", "live"), (*STYLES, "live.css"))


def _html(packed: str, scripts: tuple[str, ...], styles: tuple[str, ...]) -> str:
    template = Environment(autoescape=True).from_string(_text("template.html"))
    return template.render(
        payload=packed,
        palette=json.dumps(PALETTE),
        style="".join(_text(name) for name in styles),
        licence=_text("vendor/uPlot.LICENSE"),
        plot=_text("vendor/uPlot.iife.min.js"),
        script="\n".join(_text(f"js/{name}.js") for name in (*scripts, "main")),
    )


def _text(name: str) -> str:
    return FOLDER.joinpath(name).read_text(encoding="utf-8")
