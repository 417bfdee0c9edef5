"""The configurations that are compared, each under one name in every environment."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ddpg.report.compare.options import Options
from ddpg.report.filters import every_value
from ddpg.report.grouping import Attributes, group_samples, require_group_keys
from ddpg.report.metric import Metric
from ddpg.report.reading import RunRecord, each_run, labelled, measured
from ddpg.report.samples import Sample, samples
from ddpg.report.view import group_keys


def configurations(records: Sequence[RunRecord], planned: Sequence[RunRecord], options: Options) -> list[Sample]:
    """Read the values of runs, and group the runs into configurations.

    Args:
        records: runs that have started.
        planned: runs that have not, which only count for the names.
        options: of the command.
    """
    metric = Metric(options.metric)
    keys = group_keys(options.group_by)
    require_group_keys(keys, records)
    names = labels([*records, *planned])
    read = each_run(records, metric.name)
    runs = [
        replace(measured(record, columns, metric, label), configuration=names[record.folder.path])
        for record, columns, label in read
    ]
    found = samples(runs, metric)
    if not keys:
        return found
    attributes = Attributes(records, keys)
    joined = {(run.environment, run.configuration): attributes.label(place, keys) for place, run in enumerate(runs)}
    return group_samples(found, joined, metric)


def labels(records: Sequence[RunRecord]) -> dict[Path, str]:
    """Name the configuration of each run by its folder, alike in all environments.

    Within an environment a label tells what differs there. Where an environment has a single configuration nothing
    does, so it gets the one label of other environments that is true of it.
    """
    own = {path: label.configuration for path, label in labelled(records).items()}
    names: dict[str, set[str]] = {}
    for record in records:
        names.setdefault(record.environment, set()).add(own[record.folder.path])
    elsewhere = sorted({label for several in names.values() if len(several) > 1 for label in several})
    for record in records:
        if len(names[record.environment]) == 1:
            values = every_value(record)
            fitting = [label for label in elsewhere if _holds(label, values)]
            if len(fitting) == 1:
                own[record.folder.path] = fitting[0]
    return own


def _holds(label: str, values: Mapping[str, str]) -> bool:
    """Tell whether every pair of a label, as `preset=td3 actor.lr=0.001`, is in the values of a run."""
    pairs = [word.partition("=") for word in label.split()]
    return all(
        any(value == wanted and f".{name}".endswith(f".{key}") for name, value in values.items())
        for key, _, wanted in pairs
    )
