"""Every metric of a run as a curve, from one reading of its metrics.jsonl."""

from collections.abc import Sequence
from itertools import chain, compress
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ddpg.record.series import Series
from ddpg.record.tracking.metrics import Row
from ddpg.report.measured import Curve
from ddpg.report.origin import Origin

#: The finite values of every metric by its name, by ascending env step, in the order of the record within a step.
Columns = dict[str, Curve]


class _Table(NamedTuple):
    """Rows with equal names: places in the record and env steps, [n], and the values of each name, [names, n]."""

    places: NDArray[np.int64]
    steps: Series
    values: Series


def columns(rows: Sequence[Row]) -> Columns:
    """Sort the values of rows by metric.

    Rows with equal names become one table at once, because a loop over rows in Python would take most of the time of a
    report. Metrics that are in the same rows share one array of steps.
    """
    parts: dict[str, list[tuple[_Table, Series]]] = {}
    for names, table in _tables(rows):
        for name, values in zip(names, table.values, strict=True):
            parts.setdefault(name, []).append((table, values))
    return {name: _curve(several) for name, several in parts.items() if name != "env_step"}


def own_columns(found: Columns, origin: Origin | None) -> Columns:
    """Leave out what a fork has from its source: the rows up to its origin, and metrics that are in no other."""
    if origin is None:
        return found
    own = {name: curve.after(origin.env_step) for name, curve in found.items()}
    return {name: curve for name, curve in own.items() if len(curve.steps)}


def _tables(rows: Sequence[Row]) -> list[tuple[tuple[str, ...], _Table]]:
    """Return a table of the rows of each kind, whose steps ascend; rows without an env step are none of a run's."""
    kinds = list(map(tuple, rows))
    number = {kind: place for place, kind in enumerate(dict.fromkeys(kinds))}
    numbers = np.fromiter(map(number.__getitem__, kinds), np.int64, len(kinds))
    return [
        (kind, _table(kind, rows, np.flatnonzero(numbers == place)))
        for kind, place in number.items()
        if "env_step" in kind
    ]


def _table(kind: tuple[str, ...], rows: Sequence[Row], places: NDArray[np.int64]) -> _Table:
    chosen = np.zeros(len(rows), dtype=bool)
    chosen[places] = True
    flat = list(chain.from_iterable(map(dict.values, compress(rows, chosen))))
    values = np.ascontiguousarray(np.array(flat, dtype=np.float64).reshape(len(places), len(kind)).T)
    steps = values[kind.index("env_step")]
    if (steps[1:] < steps[:-1]).any():
        order = np.argsort(steps, kind="stable")
        return _Table(places[order], steps[order], values[:, order])
    return _Table(places, steps, values)


def _curve(parts: Sequence[tuple[_Table, Series]]) -> Curve:
    """Join the values of a metric from the tables that have it, and leave out what is not finite."""
    if len(parts) == 1:
        [(table, values)] = parts
        steps = table.steps
    else:
        steps = np.concatenate([table.steps for table, _ in parts])
        order = np.lexsort((np.concatenate([table.places for table, _ in parts]), steps))
        steps = steps[order]
        values = np.concatenate([values for _, values in parts])[order]
    finite = np.isfinite(values)
    return Curve(steps, values) if finite.all() else Curve(steps[finite], values[finite])
