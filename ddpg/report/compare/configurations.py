"""The configurations that are compared."""

from collections.abc import Sequence

from ddpg.report.compare.options import Options
from ddpg.report.grouping import grouped_samples, require_group_keys
from ddpg.report.metric import Metric
from ddpg.report.reading import RunRecord, each_run, measured
from ddpg.report.samples import Sample
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
    read = each_run(records, metric.name, planned)
    runs = [measured(record, columns, metric, label) for record, columns, label in read]
    return grouped_samples(records, runs, keys, metric)
