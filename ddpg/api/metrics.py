"""The metrics of a run as curves, by name."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ddpg.config.spelling import nearest
from ddpg.errors import UserError
from ddpg.record.series import Series
from ddpg.report.columns import Columns, columns
from ddpg.report.kept import RECORD, read_rows


class Curve(NamedTuple):
    """Values by env step: `steps`, integers, and `values` are [n], the steps ascend."""

    steps: NDArray[np.int64]
    values: Series


class Metrics(Mapping[str, Curve]):
    """The finite values of every metric of a run: `metrics["eval/episodic_return"]` has `steps` and `values`, [n].

    The record is read when the first value is asked for, and again when the file has changed since. A name that is
    none of a metric raises UserError.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._curves: dict[str, Curve] = {}
        self._read_at: tuple[int, int] | None = None

    def __getitem__(self, name: str) -> Curve:
        curves = self._current()
        if name in curves:
            return curves[name]
        near = nearest(str(name), curves) if curves else ": nothing has been recorded yet"
        raise UserError(f"{name!r} is no metric of {self._folder}{near}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._current())

    def __len__(self) -> int:
        return len(self._current())

    def __contains__(self, name: object) -> bool:
        return name in self._current()

    def get(self, name: str, default: Any = None) -> Any:
        """Return the curve of a metric, or `default` if the run has none of that name."""
        return self._current().get(name, default)

    def __repr__(self) -> str:
        listed = ", ".join(f"{name} [{len(curve.steps)}]" for name, curve in self.items())
        return f"<Metrics of {self._folder}: {listed or 'nothing has been recorded yet'}>"

    def _current(self) -> dict[str, Curve]:
        """Read the record, if it is another one than at the last time."""
        changed_at = self._stamp()
        if changed_at != self._read_at:
            self._curves = _curves(columns(read_rows(self._folder)))
            self._read_at = changed_at
        return self._curves

    def _stamp(self) -> tuple[int, int] | None:
        """Return when the record was changed last, and its size; None if there is none."""
        for name in (RECORD, "metrics.jsonl"):
            try:
                stat = (self._folder / name).stat()
            except FileNotFoundError:
                continue
            return stat.st_mtime_ns, stat.st_size
        return None


def _curves(found: Columns) -> dict[str, Curve]:
    """Return curves with whole steps; the metrics that share an array of steps share it still."""
    steps = {id(curve.steps): curve.steps.astype(np.int64) for curve in found.values()}
    return {name: Curve(steps[id(curve.steps)], curve.values) for name, curve in found.items()}
