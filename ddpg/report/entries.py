"""A run as an entry of the page's payload."""

from collections.abc import Mapping, Sequence
from typing import Any

from ddpg.record.run_folder import RunFolder
from ddpg.record.series import moving_mean
from ddpg.report.arrays import encode_steps, encode_values
from ddpg.report.columns import Columns
from ddpg.report.facts import Clock, clock, first_line, speed, starts, updates
from ddpg.report.measured import Curve, MeasuredRun
from ddpg.report.metric import Metric
from ddpg.report.reading import RunRecord
from ddpg.report.repeat import repeat
from ddpg.report.samples import WINDOW, Sample
from ddpg.report.scores import averaged, scores, steps_to
from ddpg.report.selection import TWICE, reason
from ddpg.report.statistics import last_values
from ddpg.report.thinning import every_nth

#: Points of the hours by env step, between which a page interpolates.
CLOCK_POINTS = 50

Entry = dict[str, Any]


def longest_of(records: Sequence[RunRecord]) -> dict[str, int]:
    """Return by environment the most steps of a run, which all of its curves divide evenly."""
    longest: dict[str, int] = {}
    for record in records:
        longest[record.environment] = max(longest.get(record.environment, 1), record.config["total_steps"])
    return longest


def facts(record: RunRecord, columns: Columns, with_config: bool) -> Entry:
    """Return what an entry tells of the run alone, without its curves."""
    time = clock(columns)
    again = repeat(record)
    return {
        "error": first_line(record.status.get("error")),
        "hours": float(time.hours.values[-1]) if len(time.hours.values) else None,
        "steps_per_second": speed(columns),
        "starts": starts(record, time.resumed),
        "command": again.command or None,
        "no_command": again.why_not or None,
        "config": record.folder.config.read_text(encoding="utf-8") if with_config else None,
        "video": _video(record.folder),
        "clock": _clock(time),
        "updates": updates(record.config),
    }


def reached(run: MeasuredRun, columns: Columns) -> float:
    """Return the largest env step that is known of a run, whatever was recorded there."""
    return max([run.reached, *(float(one.steps[-1]) for one in columns.values() if len(one.steps))])


def entry(number: int, record: RunRecord, run: MeasuredRun, alone: Entry, values: Mapping[str, str]) -> Entry:
    """Join the parts of an entry that do not depend on other runs.

    Args:
        number: the run's place among all.
        record: the run.
        run: its values.
        alone: its `facts`, its `step` and its `curves`.
        values: its keys.
    """
    return {
        "id": number,
        "folder": str(record.folder.path),
        "environment": run.environment,
        "seed": run.seed,
        "keys": dict(values),
        "state": run.state,
        "total_steps": run.total_steps,
        **alone,
    }


def among_others(
    run: MeasuredRun, sample: Sample | None, is_superseded: bool, metric: Metric, threshold: float | None
) -> Entry:
    """Return what depends on the other runs: its label, whether it counts, and its scores then.

    Args:
        run: its values.
        sample: in which it counts; None if it does not.
        is_superseded: whether its seed was run again and came further.
        metric: that is scored.
        threshold: the value whose first step is sought.
    """
    return {
        "configuration": run.configuration,
        "counts": sample is not None,
        "superseded": is_superseded,
        "note": None if sample is not None else f"its seed {TWICE}" if is_superseded else reason(run),
        "scored_at": None if sample is None else _scored_at(sample, metric),
        "trained_to": None if sample is None else sample.end,
        "scored_from": None if sample is None else _scored_from(sample),
        "scores": scores(run, sample, metric),
        "averaged": averaged(run, sample, metric),
        "steps_to_threshold": None if threshold is None else steps_to(_smoothed(run, metric), threshold),
    }


def _smoothed(run: MeasuredRun, metric: Metric) -> Curve:
    """Return the values as the page draws them: of training episodes the means of the last WINDOW."""
    if not metric.of_episodes or not len(run.metric.steps):
        return run.metric
    return Curve(run.metric.steps, moving_mean(run.metric.values, WINDOW))


def _scored_at(sample: Sample, metric: Metric) -> float | None:
    """Return the env step of the last scores of a sample's runs; None without scores."""
    if metric.of_episodes:
        return sample.end
    return float(sample.steps[-1]) if len(sample.steps) else None


def _scored_from(sample: Sample) -> float | None:
    """Return the env step of the first of the last 10 values: a later one where a run is evaluated more often."""
    count = last_values(sample.steps)
    return float(sample.steps[-count]) if count else None


def _clock(time: Clock) -> dict[str, Any] | None:
    if not len(time.hours.steps):
        return None
    few = every_nth(time.hours, CLOCK_POINTS)
    return {"step": encode_steps(few.steps), "value": encode_values(few.values)}


def _video(folder: RunFolder) -> str | None:
    """Return the path of the last video, if there is one."""
    return str(folder.last_video) if folder.last_video.exists() else None
