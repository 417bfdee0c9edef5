"""Frames: the metrics of many runs as one table, at full resolution."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from numpy.typing import NDArray

from ddpg.api.engines import Rows, engine_named
from ddpg.api.folders import Folder, as_paths
from ddpg.errors import UserError
from ddpg.record.run_folder import is_run_folder
from ddpg.record.series import Series
from ddpg.report.columns import Columns, columns
from ddpg.report.grouping import Attributes
from ddpg.report.kept import read_rows
from ddpg.report.measured import NO_CURVE, newest_at_each_step
from ddpg.report.reading import FoundRuns, find_all_runs, has_started, labelled, require_metric

if TYPE_CHECKING:
    import pandas
    import polars

#: What `metrics` may be to stand for every metric of the runs.
ALL = "all"


@overload
def frame(
    folders: Folder | Iterable[Folder], metrics: str | Iterable[str] = ..., engine: Literal["numpy"] = ...
) -> dict[str, NDArray[Any]]: ...
@overload
def frame(
    folders: Folder | Iterable[Folder], metrics: str | Iterable[str] = ..., *, engine: Literal["pandas"]
) -> "pandas.DataFrame": ...
@overload
def frame(
    folders: Folder | Iterable[Folder], metrics: str | Iterable[str] = ..., *, engine: Literal["polars"]
) -> "polars.DataFrame": ...
def frame(
    folders: Folder | Iterable[Folder],
    metrics: str | Iterable[str] = ("eval/episodic_return",),
    engine: Literal["numpy", "pandas", "polars"] = "numpy",
) -> Any:
    """Read the metrics of all runs in folders and below them as one table; nothing is thinned or averaged.

    There is a row for each run and env step at which one of the metrics has a finite value, in the order of the runs
    and of their steps. The columns are `run` (its folder), `environment`, `configuration` (its label in ddpg-report),
    `seed`, `state` (done, running, interrupted or failed), each key that was typed and differs within an environment,
    `env_step`, and the metrics. The value of a key is a number or a truth value where those of all runs are, else its
    text on the command line. What a run does not have is NaN or None, and null in Polars.

        scores = ddpg.frame("outputs", engine="pandas").query("state == 'done'")
        scores.groupby(["configuration", "env_step"])["eval/episodic_return"].mean()

    Args:
        folders: a folder or a run, or several.
        metrics: the name of a metric, several, or "all".
        engine: "numpy" returns a dictionary of arrays [rows] by column, "pandas" and "polars" a DataFrame.

    Raises:
        UserError: a folder is missing or has no run that has started, no run has such a metric, there is no such
            engine, or its package is missing.
    """
    build = engine_named(engine)
    asked = _asked(metrics)
    found = find_all_runs(_started(as_paths(folders)))
    tables: list[_Table] = []
    recorded: set[str] = set()
    for record in found.started:
        values = columns(read_rows(record.folder.path))
        recorded.update(values)
        tables.append(_table(values, values if asked is None else asked))
    names = sorted(recorded) if asked is None else asked
    for name in names:
        require_metric(name, recorded, len(found.started))
    lengths = np.array([len(steps) for steps, _ in tables])
    steps = np.concatenate([steps for steps, _ in tables]).astype(np.int64)
    return build(Rows(_of_runs(found), lengths, steps, dict(_joined(names, tables))))


#: The env steps [n] of a run at which it has a value, and its values [n] by metric, NaN where there is none.
_Table = tuple[Series, dict[str, Series]]


def _started(paths: Sequence[Path]) -> Sequence[Path]:
    """Leave out runs that have not started, which `ddpg.runs` lists as well, unless there is nothing else."""
    return [path for path in paths if has_started(path) or not is_run_folder(path)] or paths


def _asked(metrics: str | Iterable[str]) -> list[str] | None:
    """Return the names of the metrics, each once; None for all."""
    if isinstance(metrics, str):
        return None if metrics == ALL else [metrics]
    names = list(metrics) if isinstance(metrics, Iterable) else [metrics]
    if not all(isinstance(name, str) for name in names):
        raise UserError(f"metrics={metrics!r} must be the name of a metric, a list of names, or {ALL!r}")
    if not names:
        raise UserError('metrics: there is none in the list; metrics="all" takes every one')
    return list(dict.fromkeys(names))


def _table(values: Columns, names: Iterable[str]) -> _Table:
    """Put the metrics of a run beside each other: the last value that was recorded at a step."""
    curves = {name: newest_at_each_step(values[name]) for name in names if name in values}
    steps = np.unique(np.concatenate([NO_CURVE.steps, *(curve.steps for curve in curves.values())]))
    table: dict[str, Series] = {}
    for name, curve in curves.items():
        table[name] = np.full(len(steps), np.nan)
        table[name][np.searchsorted(steps, curve.steps)] = curve.values
    return steps, table


def _joined(names: Sequence[str], tables: Sequence[_Table]) -> Iterator[tuple[str, Series]]:
    """Join the values of the runs by metric, and let go of each part, so that all are in memory once."""
    for name in names:
        yield name, np.concatenate([table.pop(name, np.full(len(steps), np.nan)) for steps, table in tables])


def _of_runs(found: FoundRuns) -> dict[str, list[Any]]:
    """Return the columns that have one value for each run, named as ddpg-report names the same runs."""
    records = found.started
    labels = labelled([*records, *found.waiting])
    attributes = Attributes(records)
    keys = [key.name for key in attributes.keys if key.swept]
    own = [attributes.of(place) for place in range(len(records))]
    return {
        "run": [str(record.folder.path) for record in records],
        "environment": [record.environment for record in records],
        "configuration": [labels[record.folder.path].configuration for record in records],
        "seed": [record.config["seed"] for record in records],
        "state": [record.state for record in records],
    } | {key: _read(key, own) for key in keys}


def _read(key: str, tables: Sequence[Mapping[str, str]]) -> list[Any]:
    """Return the value that each run has of a key: numbers or truth values if all are, else texts; None for none."""
    texts = [table.get(key) for table in tables]
    for kind in (int, float, {"true": True, "false": False}.__getitem__):
        try:
            return [None if text is None else kind(text) for text in texts]
        except (ValueError, KeyError):
            continue
    return list(texts)
