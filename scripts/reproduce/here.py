"""The column "here" of the table of published scores in docs/presets.md, which holds what the records say."""

import math
import re
from pathlib import Path

from ddpg.errors import UserError
from reproduce.plan import ROOT, Plan, Row
from reproduce.published import Convention, fit_convention
from reproduce.scores import Estimate, Records, estimate, seeds_of

PRESETS_PAGE = ROOT / "docs" / "presets.md"
#: A cell that is filled from the records: the label of a source in the list, and a convention.
CELL = re.compile(r"<!-- here (\S+) (\S+) -->.*?<!-- end -->")


def write_here(path: Path, plan: Plan, records: Records) -> None:
    """Fill every cell of the page anew. UserError for a cell of a source or convention that the list does not have."""
    text = path.read_text(encoding="utf-8")
    path.write_text(filled(text, plan, records), encoding="utf-8")


def filled(text: str, plan: Plan, records: Records) -> str:
    """Return the text with the content of each cell replaced."""

    def cell(found: re.Match[str]) -> str:
        label, convention = found.groups()
        rows = [row for row in plan.rows if row.label == label]
        if not rows:
            labels = ", ".join(dict.fromkeys(row.label for row in plan.rows))
            raise UserError(f"{found[0]}: {label} is not in the list, which has {labels}")
        content = scores_of(rows, fit_convention(convention), records)
        return f"<!-- here {label} {convention} -->{content}<!-- end -->"

    return CELL.sub(cell, text)


def scores_of(rows: list[Row], convention: Convention, records: Records) -> str:
    """Write the score of each environment that has a record: mean, interval where there is one, seeds."""
    found = {row.environment: list(seeds_of(row, records).values()) for row in rows if convention in row.published}
    scores = [f"{name} {_short(estimate(seeds, convention))}" for name, seeds in found.items() if seeds]
    return ", ".join(scores) or "not yet"


def _short(here: Estimate) -> str:
    interval = "" if math.isnan(here.low) else f" [{here.low:.0f}, {here.high:.0f}]"
    return f"{here.mean:.0f}{interval} ({here.seeds})"
