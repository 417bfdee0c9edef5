"""What a frame is returned as: arrays of numpy, or a DataFrame of pandas or Polars."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ddpg.config.spelling import nearest
from ddpg.errors import UserError
from ddpg.record.series import Series

if TYPE_CHECKING:
    import pandas
    import polars


@dataclass(frozen=True)
class Rows:
    """The rows of a frame, those of a run together.

    Args:
        of_runs: by column the value of each of R runs, None where a run has none.
        lengths: [R] how many rows each run has.
        steps: [rows] env steps.
        metrics: by name the values [rows], NaN where there is none.
    """

    of_runs: Mapping[str, Sequence[Any]]
    lengths: NDArray[np.int64]
    steps: NDArray[np.int64]
    metrics: Mapping[str, Series]


def engine_named(name: str) -> Callable[[Rows], Any]:
    """Return the function that builds a frame; raise UserError for an unknown name, or if its package is missing."""
    if name not in ENGINES:
        raise UserError(f"engine={name}: there is no such engine{nearest(str(name), ENGINES)}")
    if find_spec(name) is None:
        raise UserError(f"engine={name}: the package {name} is missing: pip install {name}")
    return ENGINES[name]


def numpy_frame(rows: Rows) -> dict[str, NDArray[Any]]:
    """Return an array [rows] by column; texts are Python objects, because each is in memory once then."""
    columns = {name: np.repeat(_array(values), rows.lengths) for name, values in rows.of_runs.items()}
    return columns | {"env_step": rows.steps} | dict(rows.metrics)


def _array(values: Sequence[Any]) -> NDArray[Any]:
    """Return an array of numbers, with NaN for None, or of truth values if that is possible, else of objects."""
    kinds = {type(value) for value in values}
    if kinds <= {int, float, type(None)} and kinds != {type(None)}:
        return np.array(values, dtype=np.int64 if kinds == {int} else np.float64)
    return np.array(values, dtype=bool if kinds == {bool} else object)


def pandas_frame(rows: Rows) -> "pandas.DataFrame":
    """Return a DataFrame; texts are no categoricals, of which `groupby` makes a row for each combination."""
    import pandas

    return pandas.DataFrame(numpy_frame(rows), copy=False)


def polars_frame(rows: Rows) -> "polars.DataFrame":
    """Return a DataFrame with nulls where a run has no value."""
    import polars

    places = np.repeat(np.arange(len(rows.lengths)), rows.lengths)
    columns = [polars.Series(name, values).gather(places) for name, values in rows.of_runs.items()]
    metrics = [polars.Series(name, values, nan_to_null=True) for name, values in rows.metrics.items()]
    return polars.DataFrame([*columns, polars.Series("env_step", rows.steps), *metrics])


#: The engines by name, which are the names of their packages.
ENGINES: Mapping[str, Callable[[Rows], Any]] = {
    "numpy": numpy_frame, "pandas": pandas_frame, "polars": polars_frame,
}  # fmt: skip
