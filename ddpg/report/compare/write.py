"""Writes a comparison into its folder, and returns what the terminal shows."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ddpg.record.pictures import optional_pictures
from ddpg.record.run_folder import atomic_write
from ddpg.report.compare.numbers import numbers_of
from ddpg.report.compare.options import Options
from ddpg.report.compare.result import result
from ddpg.report.compare.written import text_of


def write_comparison(folders: Sequence[Path], options: Options, filters: Mapping[str, str]) -> str:
    """Write compare.md, compare.json and compare.png; return the text for the terminal.

    Args:
        folders: every run in them and below them is compared.
        options: of the command.
        filters: the values that runs must have, by key.

    Raises:
        UserError: there is nothing to compare, or an option does not fit the runs.
    """
    found = result(folders, options, filters)
    out = folders[0] / "compare" if options.out is None else Path(options.out)
    out.mkdir(parents=True, exist_ok=True)
    picture = None
    with optional_pictures("pictures"):
        from ddpg.report.compare.figure import draw  # imports matplotlib

        draw(found, out / "compare.png")
        picture = out / "compare.png"
    text = text_of(found, picture)
    with atomic_write(out / "compare.md") as file:
        file.write(text.encode())
    with atomic_write(out / "compare.json") as file:
        file.write(f"{json.dumps(numbers_of(found), indent=1, allow_nan=False)}\n".encode())
    written = [out / "compare.md", out / "compare.json", *([picture] if picture else [])]
    return re.sub(r"!\[.*\n\n", "", text) + f"\nwritten: {', '.join(map(str, written))}"
