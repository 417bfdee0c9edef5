"""`ddpg-report`: run folders become one data frame, that becomes scores and curves, and those a table and pictures."""

import importlib.util
import re
from collections.abc import Sequence
from pathlib import Path

from ddpg.errors import UserError

__all__ = ["report"]


def report(folders: Sequence[Path], out: Path, metric: str, reps: int) -> str:
    """Writes `out`/report.md and a picture for each environment; the text for the terminal.

    `reps` is the number of bootstrap samples. Raises UserError: nothing to read, no such metric, or no rliable.
    """
    for package in ("pandas", "rliable"):
        if importlib.util.find_spec(package) is None:
            raise UserError(f"ddpg-report needs {package}, which is not installed: pip install 'ddpg[report]'")
    from ddpg.report.drawing import draw
    from ddpg.report.reading import EPISODES, find_runs, frame
    from ddpg.report.samples import samples
    from ddpg.report.statistics import Estimates
    from ddpg.report.text import markdown

    found = samples(frame(find_runs(folders), metric, EPISODES), metric)
    estimates = Estimates(reps)
    out.mkdir(parents=True, exist_ok=True)
    pictures = draw(found, metric, estimates, out)
    text = markdown(found, metric, estimates, pictures)
    (out / "report.md").write_text(text, encoding="utf-8")
    written = ", ".join(str(path) for path in (out / "report.md", *pictures.values()))
    return re.sub(r"!\[.*\n\n", "", text) + f"\nwritten: {written}"
