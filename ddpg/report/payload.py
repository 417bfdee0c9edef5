"""The data of a report's page as one JSON object: runs, what differs between them, their scores and curves."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timezone
from itertools import compress, groupby
from pathlib import Path
from typing import Any

from ddpg.report.arrays import size
from ddpg.report.columns import Columns
from ddpg.report.entries import Entry, among_others, entry, facts, longest_of, reached
from ddpg.report.facts import Usual, changed, nothing_is_known
from ddpg.report.filters import choose_runs
from ddpg.report.grouping import Attributes, grouped_samples, require_group_keys
from ddpg.report.intervals import explanation, t_quantile
from ddpg.report.measured import MeasuredRun
from ddpg.report.metric import Metric
from ddpg.report.metric_words import words_of
from ddpg.report.missing import missing_runs
from ddpg.report.notes import notes_on
from ddpg.report.reading import Label, RunRecord, each_run, find_all_runs, labelled, measured
from ddpg.report.references import references
from ddpg.report.samples import Sample, samples
from ddpg.report.selection import superseded
from ddpg.report.study.panels import Panels, all_panels, folders_of_others
from ddpg.report.thinning import Thinning, thinning
from ddpg.report.view import View
from ddpg.version import __version__

#: What may have been meant by a filter that no run has: the words of the command.
OPTIONS = {"out", *(field.name for field in fields(View))} - {"filters"}
#: Degrees of freedom for which a page has the quantiles of Student's t.
DEGREES = 200

Payload = dict[str, Any]


@dataclass(frozen=True)
class ReadRun:
    """A run in memory: its record, its values, and what its entry tells of it alone."""

    record: RunRecord
    measured: MeasuredRun
    alone: Entry


@dataclass(frozen=True)
class Report:
    """The runs of a report.

    Args:
        samples: what is compared in pictures: the runs that were chosen, grouped as was asked for.
        rated: the same for the table of scores, without the earlier generations of populations, which trained less.
        runs: the runs that were chosen.
        entries: their entries, labelled and scored among themselves, as the samples are.
        missing: the entries of those that were chosen of the runs without a record.
        payload: what the page gets: all runs, each scored in its own configuration, and the choice.
    """

    samples: Sequence[Sample]
    rated: Sequence[Sample]
    runs: Sequence[MeasuredRun]
    entries: Sequence[Entry]
    missing: Sequence[Entry]
    payload: Payload


def read_report(folders: Sequence[Path], view: View, command: str, usual: Usual = nothing_is_known) -> Report:
    """Read the runs in folders and below them, each file once.

    Args:
        folders: every run in them and below them.
        view: what is shown first.
        command: the command line of the report, for the reader of the page.
        usual: what environments and presets have by themselves.

    Raises:
        UserError: there is nothing to read, or no such metric, key or value.
    """
    all_runs = find_all_runs(folders)
    records, waiting = all_runs
    choice = choose_runs(all_runs, view.filters, OPTIONS)
    view = replace(view, filters={key: ",".join(sorted(values)) for key, values in choice.wanted.items()})
    require_group_keys(view.group_by, records)
    longest = longest_of(records)
    thin = thinning(view.metric, len(records))
    read = each_run(records, view.metric, waiting)
    runs = [read_run(record, columns, label, view, thin, longest) for record, columns, label in read]
    shown = list(compress(runs, choice.started))
    study = all_panels(record.folder.path for record in records)
    payload = assemble(runs, shown, view, made(folders, command, live=False), study)
    for record, one in zip(records, payload["runs"], strict=True):
        one["changed"] = changed(record, usual)
    missing = missing_runs(waiting, records, folders, [key["name"] for key in payload["keys"]])
    payload["missing"] = missing
    compared = named(shown, list(compress(waiting, choice.waiting)))
    found = grouped(compared, view)
    rated = _rated(compared, found, view, study)
    scored = among_themselves(compared, [*found, *rated], view)
    entries = [one | scores for one, scores in zip(compress(payload["runs"], choice.started), scored, strict=True)]
    if choice.wanted:  # without those that have no folder, whose values nobody knows
        missing = list(compress(missing, choice.waiting))
    return Report(found, rated, [run.measured for run in compared], entries, missing, payload)


def _rated(
    runs: Sequence[ReadRun], found: Sequence[Sample], view: View, study: Mapping[str, Any] | None
) -> Sequence[Sample]:
    """Return the samples whose scores are compared: of a population its newest generation, if that was chosen.

    Args:
        runs: those that were chosen.
        found: their samples.
        view: what they are grouped by.
        study: the studies that they may belong to, as in the payload.
    """
    others = {folder for panels in panels_of_studies(study) for folder in folders_of_others(panels)}
    newest = [run for run in runs if run.record.folder.path.parent not in others]
    return grouped(newest, view) if 0 < len(newest) < len(runs) else found


def panels_of_studies(study: Mapping[str, Any] | None) -> list[Panels]:
    """Return the panels of each study, of the payload's `study`; [] where there is none."""
    found: list[Panels] = study["studies"] if study else []
    return found


def named(runs: Sequence[ReadRun], planned: Sequence[RunRecord]) -> list[ReadRun]:
    """Name chosen runs anew, among themselves and those chosen runs that have not started."""
    labels = labelled([*(run.record for run in runs), *planned])
    return [replace(run, measured=replace(run.measured, **labels[run.record.folder.path]._asdict())) for run in runs]


def grouped(runs: Sequence[ReadRun], view: View) -> list[Sample]:
    """Compare runs, joined where they have equal values of `group_by`."""
    records = [run.record for run in runs]
    return grouped_samples(records, [run.measured for run in runs], view.group_by, Metric(view.metric))


def among_themselves(runs: Sequence[ReadRun], found: Sequence[Sample], view: View) -> list[Entry]:
    """Return what the entry of each run says of it among these.

    Args:
        runs: those that are compared.
        found: their samples; of several with one run the last is the one in which it may count.
        view: the choice of the command line.
    """
    sample_of: dict[MeasuredRun, Sample | None] = {}
    for sample in found:
        sample_of |= dict.fromkeys(sample.runs) | dict.fromkeys(sample.counted, sample)
    repeated = superseded([run.measured for run in runs])
    return [
        among_others(one, sample_of.get(one), one in repeated, Metric(view.metric), view.threshold)
        for one in (run.measured for run in runs)
    ]


def read_run(
    record: RunRecord, columns: Columns, label: Label, view: View, thin: Thinning, longest: Mapping[str, int]
) -> ReadRun:
    """Take from all values of a run what a report needs of it, which is a twentieth."""
    run = measured(record, columns, Metric(view.metric), label)
    step = reached(run, columns)
    curves = thin.curves(columns, longest[run.environment], step)
    return ReadRun(record, run, {**facts(record, columns, thin.with_config), "step": int(step), "curves": curves})


def assemble(
    runs: Sequence[ReadRun],
    shown: Sequence[ReadRun],
    view: View,
    made: Mapping[str, Any],
    study: Mapping[str, Any] | None,
) -> Payload:
    """Make the payload of runs that are in memory; nothing is read.

    Args:
        runs: all runs.
        shown: those of them that the page shows first, on which it has notes.
        view: how it shows them.
        made: how the page was made.
        study: the studies that runs belong to, as `all_panels` returns them.
    """
    metric = Metric(view.metric)
    found = samples([run.measured for run in runs], metric)
    is_whole = len(shown) == len(runs) and not view.group_by
    rated = _rated(shown, found if is_whole else grouped(shown, view), view, study)
    attributes = Attributes([run.record for run in runs], {*view.group_by, *view.filters})
    entries = [
        entry(number, run.record, run.measured, run.alone, attributes.of(number)) | scores
        for number, (run, scores) in enumerate(zip(runs, among_themselves(runs, found, view), strict=True))
    ]
    return {
        "made": dict(made),
        "view": {**asdict(view), "group_by": list(view.group_by)},
        "t": t_quantiles(),
        "interval": explanation(),
        "keys": [asdict(key) for key in attributes.keys],
        "metrics": _metrics(entries, thinning(view.metric, len(runs))),
        "references": references([run.record for run in runs], metric),
        "notes": {
            environment: list(notes_on(list(same), metric))
            for environment, same in groupby(rated, key=lambda sample: sample.environment)
        },
        "missing": [],
        "runs": entries,
        "study": study,
    }


def t_quantiles() -> list[float]:
    """Return the quantiles of Student's t that bound an interval, for 1, 2, ... DEGREES degrees of freedom."""
    return [round(t_quantile(freedom), 6) for freedom in range(1, DEGREES + 1)]


def to_json(payload: Payload) -> str:
    """Write a payload as JSON without spaces; raise ValueError for NaN, which JSON does not have."""
    return json.dumps(payload, allow_nan=False, separators=(",", ":"))


def made(folders: Sequence[Path], command: str, live: bool) -> dict[str, Any]:
    """Say how a report was made, from which folders, and whether its runs are looked at again while they go on."""
    return {
        "version": __version__,
        "command": command,
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds").replace("+00:00", "Z"),
        "folders": [str(folder) for folder in folders],
        "live": live,
    }


def _metrics(runs: Sequence[Entry], thin: Thinning) -> dict[str, dict[str, Any]]:
    """Describe every metric that some run has: what it is, and what of its values a page leaves out."""
    points: dict[str, int] = {}
    for run in runs:
        for name, curve in run["curves"].items():
            points[name] = max(points.get(name, 0), size(curve["value"]))
    return {name: {**words_of(name)._asdict(), "thinned": thin.words(name, points[name])} for name in sorted(points)}
