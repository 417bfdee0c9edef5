"""The data of a report as tables: a row for each run, and a row for each value of its metric."""

import csv
import io
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ddpg.distribution import install_hint
from ddpg.record.run_folder import atomic_write
from ddpg.report.entries import Entry
from ddpg.report.measured import MeasuredRun

#: The columns of runs.csv that an entry has under the same name.
OF_RUN = (
    "id", "folder", "environment", "configuration", "seed", "state", "counts", "note", "step", "total_steps", "hours",
    "steps_per_second", "steps_to_threshold", "error", "command", "scored_at",
)  # fmt: skip
#: The columns of curves.csv that an entry has under the same name.
OF_CURVE = ("id", "environment", "configuration", "seed")

#: The columns of a table, each with a value for every row.
Table = Mapping[str, Sequence[Any]]


def run_table(entries: Sequence[Entry], missing: Sequence[Mapping[str, Any]], threshold: float | None) -> Table:
    """Make a table of runs: what they are, what became of them, and their final score by each convention.

    Args:
        entries: the runs.
        missing: the runs without a record, which come last.
        threshold: None leaves out the steps to it.
    """
    names = [name for name in OF_RUN if threshold is not None or name != "steps_to_threshold"]
    rows = [*entries, *missing]
    columns: dict[str, list[Any]] = {name: [row.get(name) for row in rows] for name in names}
    conventions = list(entries[0]["scores"])
    columns |= {f"score {name}": [row.get("scores", {}).get(name) for row in rows] for name in conventions}
    keys = dict.fromkeys(key for row in entries for key in row["keys"] if key not in columns)  # not a filtered `seed`
    return columns | {key: [row["keys"].get(key) for row in rows] for key in keys}


def curve_table(entries: Sequence[Entry], runs: Sequence[MeasuredRun]) -> Table:
    """Make a table of all values of the metric, with the run that each is of; nothing is thinned or averaged."""
    lengths = [len(run.metric.steps) for run in runs]
    columns = {name: np.repeat([entry[name] for entry in entries], lengths).tolist() for name in OF_CURVE}
    steps = np.concatenate([run.metric.steps for run in runs]).astype(np.int64)
    return columns | {"env_step": steps.tolist(), "value": np.concatenate([run.metric.values for run in runs]).tolist()}


def write_tables(tables: Mapping[str, Table], out: Path) -> tuple[list[Path], str]:
    """Write each table as CSV, and as Parquet if pyarrow is installed; return the files and a remark, or ""."""
    paths = [_write_csv(table, out / f"{name}.csv") for name, table in tables.items()]
    if find_spec("pyarrow") is None:
        return paths, f"no Parquet files, because the package pyarrow is missing: {install_hint('parquet')}"
    return paths + [_write_parquet(table, out / f"{name}.parquet") for name, table in tables.items()], ""


def _write_csv(table: Table, path: Path) -> Path:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table)
    writer.writerows(zip(*table.values(), strict=True))
    with atomic_write(path) as file:
        file.write(text.getvalue().encode())
    return path


def _write_parquet(table: Table, path: Path) -> Path:
    import pyarrow
    from pyarrow import parquet

    columns = {name: pyarrow.array(values) for name, values in table.items()}
    with atomic_write(path) as file:
        parquet.write_table(pyarrow.table(columns), file)
    return path
