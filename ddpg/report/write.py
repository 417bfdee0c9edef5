"""The report of run folders: report.md, a picture for each environment, and the text for the terminal."""

import re
from collections.abc import Sequence
from pathlib import Path

from ddpg.record.pictures import optional_pictures
from ddpg.report.metric import Metric
from ddpg.report.payload import read_report
from ddpg.report.text import markdown
from ddpg.report.view import View


def write_report(folders: Sequence[Path], out: Path, view: View, command: str) -> str:
    """Write `out`/report.md, pictures of each environment and tables; return the text for the terminal.

    Args:
        folders: every run in them and below them.
        out: the folder that is written to.
        view: which of the runs are compared, by what.
        command: the command line.

    Raises:
        UserError: there is nothing to read, or no such metric, key or value.
    """
    report = read_report(folders, view, command)
    metric = Metric(view.metric)
    out.mkdir(parents=True, exist_ok=True)
    pictures: dict[str, Path] = {}
    with optional_pictures("pictures"):
        from ddpg.report.drawing import draw  # imports matplotlib

        pictures = draw(report.samples, metric, out)
    text = markdown(report.samples, metric, pictures, view.solved)
    (out / "report.md").write_text(text, encoding="utf-8")
    written = ", ".join(str(path) for path in (out / "report.md", *pictures.values()))
    return re.sub(r"!\[.*\n\n", "", text) + f"\nwritten: {written}"
