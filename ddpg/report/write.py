"""The report of run folders: report.md, a picture for each environment, and the text for the terminal."""

import re
from collections.abc import Sequence
from pathlib import Path

from ddpg.record.pictures import optional_pictures
from ddpg.report.metric import Metric
from ddpg.report.reading import read_runs
from ddpg.report.samples import samples
from ddpg.report.text import markdown


def write_report(folders: Sequence[Path], out: Path, metric: str, solved: float | None) -> str:
    """Write `out`/report.md and a picture for each environment; return the text for the terminal.

    Args:
        folders: every run in them and below them is compared.
        metric: a name in metrics.jsonl.
        solved: a seed whose last value is at least this counts as solved; None: the table does not count them.

    Raises:
        UserError: there is nothing to read, or no such metric.
    """
    compared = Metric(metric)
    found = samples(read_runs(folders, compared), compared)
    out.mkdir(parents=True, exist_ok=True)
    pictures: dict[str, Path] = {}
    with optional_pictures("pictures"):
        from ddpg.report.drawing import draw  # imports matplotlib

        pictures = draw(found, compared, out)
    text = markdown(found, compared, pictures, solved)
    (out / "report.md").write_text(text, encoding="utf-8")
    written = ", ".join(str(path) for path in (out / "report.md", *pictures.values()))
    return re.sub(r"!\[.*\n\n", "", text) + f"\nwritten: {written}"
