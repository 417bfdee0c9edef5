"""Every metric of a run as a curve, from one reading of its metrics.jsonl."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from ddpg.record.series import Series
from ddpg.record.tracking.metrics import Row, read_metrics
from ddpg.report.measured import Curve

#: The finite values of every metric by its name, in the order of the record within a step.
Columns = dict[str, Curve]


def read_columns(path: Path) -> Columns:
    """Read a metrics.jsonl; {} if it is not there yet. Raises UserError if it is damaged."""
    return columns(read_metrics(path))


def columns(rows: Iterable[Row]) -> Columns:
    """Sort the values of rows by metric; a curve has the finite ones alone, by ascending env step.

    Rows with equal names become one table at once: an array is made by numpy in a tenth of the time of a loop.
    """
    tables: dict[tuple[str, ...], list[tuple[float, ...]]] = {}
    for place, row in enumerate(rows):
        tables.setdefault(tuple(row), []).append((place, *row.values()))
    parts: dict[str, list[tuple[Series, Series, Series]]] = {}
    for names, entries in tables.items():
        table = np.array(entries, dtype=np.float64).T
        steps = table[1 + names.index("env_step")]
        for name, values in zip(names, table[1:], strict=True):
            parts.setdefault(name, []).append((table[0], steps, values))
    return {name: _curve(several) for name, several in parts.items() if name != "env_step"}


def _curve(parts: list[tuple[Series, Series, Series]]) -> Curve:
    """Join the places, steps and values of a metric from all kinds of rows."""
    places, steps, values = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    order = np.lexsort((places, steps))
    kept = order[np.isfinite(values[order])]
    return Curve(steps[kept], values[kept])
