"""`ddpg-report`: run folders become one data frame, that becomes scores and curves, and those a table and pictures."""

import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path

from ddpg.errors import UserError

__all__ = ["report"]


def report(folders: Sequence[Path], out: Path, metric: str, reps: int, solved: float | None) -> str:
    """Writes `out`/report.md and a picture for each environment; the text for the terminal.

    `reps` is the number of bootstrap samples; a seed whose last value is at least `solved` counts as solved.

    Raises:
        UserError: nothing to read, no such metric, or no rliable.
    """
    for package in ("pandas", "rliable"):
        if importlib.util.find_spec(package) is None:
            raise UserError(f"ddpg-report needs {package}, which is not installed: pip install 'ddpg[report]'")
    from ddpg.report.drawing import draw
    from ddpg.report.metric import EPISODES, Metric
    from ddpg.report.reading import find_runs, frame
    from ddpg.report.samples import samples
    from ddpg.report.statistics import Estimates
    from ddpg.report.text import markdown

    compared = Metric(metric)
    found = samples(frame(find_runs(folders), metric, EPISODES), compared)
    estimates = Estimates(reps)
    out.mkdir(parents=True, exist_ok=True)
    pictures = draw(found, compared, estimates, out)
    text = markdown(found, compared, estimates, pictures, solved)
    (out / "report.md").write_text(text, encoding="utf-8")
    written = ", ".join(str(path) for path in (out / "report.md", *pictures.values()))
    return re.sub(r"!\[.*\n\n", "", text) + f"\nwritten: {written}"
