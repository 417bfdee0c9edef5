"""The report of run folders: report.md, a picture for each environment, and the text for the terminal."""

import os
import re
from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from ddpg.record.pictures import optional_pictures
from ddpg.report.facts import Usual, nothing_is_known
from ddpg.report.metric import Metric
from ddpg.report.page.page import write_page
from ddpg.report.payload import Payload, panels_of_studies, read_report
from ddpg.report.study.panels import Panels
from ddpg.report.study.text import study_section
from ddpg.report.tables import curve_table, run_table, write_tables
from ddpg.report.text import markdown
from ddpg.report.view import View


def write_report(folders: Sequence[Path], out: Path, view: View, command: str, usual: Usual = nothing_is_known) -> str:
    """Write the page, report.md, pictures of each environment and tables into `out`; return the terminal's text.

    Args:
        folders: every run in them and below them.
        out: the folder that is written to.
        view: which of the runs are compared, by what.
        command: the command line.
        usual: what environments and presets have by themselves.

    Raises:
        UserError: there is nothing to read, or no such metric, key or value.
    """
    report = read_report(folders, view, command, usual)
    metric = Metric(view.metric)
    out.mkdir(parents=True, exist_ok=True)
    pictures: dict[str, list[Path]] = {}
    with optional_pictures("pictures"):
        from ddpg.report.drawing import draw  # imports matplotlib

        pictures = draw(report.samples, metric, out)
    text = markdown(report.rated, metric, {name: paths[0] for name, paths in pictures.items()}, view.solved)
    drawn = [*chain(*pictures.values())]
    for panels in panels_of_studies(report.payload["study"]):
        section, files = _study_section(panels, out)
        text += f"\n{section}"
        drawn += files
    (out / "report.md").write_text(text, encoding="utf-8")
    write_page(_seen_from(report.payload, out), out / "index.html")
    tables = {
        "runs": run_table(report.entries, report.missing, view.threshold),
        "curves": curve_table(report.entries, report.runs),
    }
    written, remark = write_tables(tables, out)
    names = ", ".join(path.name for path in (out / "report.md", *drawn, *written))
    lines = [f"written into {out}: {names}", remark, f"page: {out / 'index.html'}"]
    return re.sub(r"!\[.*\n\n", "", text) + "\n" + "\n".join(filter(None, lines))


def _seen_from(payload: Payload, out: Path) -> Payload:
    """Return the payload with the paths of videos as a page in the folder `out` finds them."""
    runs = [
        run | {"video": None if run["video"] is None else Path(os.path.relpath(run["video"], out)).as_posix()}
        for run in payload["runs"]
    ]
    return payload | {"runs": runs}


def _study_section(panels: Panels, out: Path) -> tuple[str, list[Path]]:
    """Draw a study; return its section of report.md, and the files of its pictures."""
    pictures: dict[str, list[Path]] = {}
    with optional_pictures("pictures of the study"):
        from ddpg.report.study.pictures import draw_study  # imports matplotlib

        pictures = draw_study(panels, out)
    return study_section(panels, {name: paths[0] for name, paths in pictures.items()}), [*chain(*pictures.values())]
