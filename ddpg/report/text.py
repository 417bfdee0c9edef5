"""The table of final scores, as markdown that is easy to read in a terminal as well."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from ddpg.record.series import Series, short_number
from ddpg.report.intervals import explanation, iqm_explanation
from ddpg.report.metric import Metric
from ddpg.report.notes import notes_on
from ddpg.report.samples import WINDOW, Sample
from ddpg.report.selection import count
from ddpg.report.statistics import Score, scores

HEADER = ("convention", "configuration", "seeds", "step", "mean ± std", "95 % interval", "IQM", "95 % of the IQM")

#: The characters that need a backslash in Markdown to be text; inside a word, an underscore is text.
MARKUP = re.compile(r"[\\`*<|$~&]|(?<=\])\(|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")


def markdown(found: Sequence[Sample], metric: Metric, pictures: Mapping[str, Path], solved: float | None) -> str:
    """Write a section for every environment: its picture, if there is one, its table, and notes."""
    lines = [f"# {literal(metric.name)}", ""]
    header = HEADER if solved is None else (*HEADER, f"solved (at least {solved:g})")
    for environment, samples in groupby(found, key=lambda sample: sample.environment):
        title = literal(environment)
        lines += [f"## {title}", ""]
        if environment in pictures:
            lines += [f"![{literal(metric.name)} of {title}]({pictures[environment].name})", ""]
        same = list(samples)
        lines += [*aligned([header, *_rows(same, metric, solved)]), ""]
        notes = [f"- {literal(note)}" for note in notes_on(same, metric)]
        lines += [*notes, ""] if notes else []
    return "\n".join([*lines, *_explanations(found, metric, solved)]) + "\n"


def literal(text: str) -> str:
    """Write a text of the user's so that it stays text in Markdown: on one line, without markup, HTML or formulas."""
    return MARKUP.sub(r"\\\g<0>", " ".join(text.split()))


def seed_list(seeds: Sequence[int]) -> str:
    """Write the number of runs, and their seeds: (1, 2, 3, 7) -> 4 (1-3, 7); joined configurations share seeds."""
    different = sorted(set(seeds))
    runs = [list(run) for _, run in groupby(different, key=lambda seed: seed - different.index(seed))]
    parts = (f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)
    return f"{len(seeds)} ({', '.join(parts)})" if seeds else "0"


def number(value: float) -> str:
    """Write a score with as many digits as it needs: 1.235e+07, 1234.5, 12.34, 0.00123; zero has no sign."""
    size = abs(value)
    if size >= 1e7:
        return f"{value:.3e}"
    return f"{value:.1f}" if size >= 100 else f"{value or 0.0:.2f}" if size >= 1 or size == 0 else f"{value:.3g}"


def interval_of(bounds: Series | None, values: int, noun: str = "seeds") -> str:
    """Write an interval as `interval` does, or None as too few values for one."""
    low, high = (np.nan, np.nan) if bounds is None else map(float, bounds)
    return interval(low, high, values, noun)


def interval(low: float, high: float, values: int, noun: str = "seeds") -> str:
    """Write an interval of so many values; equal ones claim none, because its width would be zero."""
    if not np.isfinite(low):
        return f"- ({count(values, noun)})"
    return f"[{number(low)}, {number(high)}]" if low < high else "- (all equal)"


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Write rows, the first of which is the header, as a table whose columns have one width."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    ruled = (rows[0], ["-" * width for width in widths], *rows[1:])
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in ruled]
    return [f"| {' | '.join(row)} |" for row in padded]


def _rows(samples: Sequence[Sample], metric: Metric, solved: float | None) -> Iterator[tuple[str, ...]]:
    """Yield all configurations by one convention, then by the next, so that comparable scores stand together."""
    rated = [(score, one) for one in samples for score in scores(one, metric)]
    first = min((score.rank for score, _ in rated), default=0)
    for score, one in sorted(rated, key=lambda entry: entry[0].rank):
        row = (score.convention, literal(one.configuration), _seeds_cell(one), *_numbers(score, len(one.seeds)))
        yield row if solved is None else (*row, _solved(one, solved) if score.rank == first else "")


def _seeds_cell(one: Sample) -> str:
    """Write the seeds: 3 (1-3), or 3 of 5 (1-3) where runs are left out."""
    text = seed_list(one.seeds)
    return text if not one.unfinished else text.replace(f"{len(one.seeds)}", f"{len(one.seeds)} of {one.started}", 1)


def _solved(one: Sample, threshold: float) -> str:
    """Count the seeds that end at the threshold or above, among those that are compared or have failed."""
    if not len(one.steps):
        return "-"
    return f"{int((one.values[:, -1] >= threshold).sum())} of {len(one.seeds) + one.failed}"


def _numbers(score: Score, seeds: int) -> tuple[str, ...]:
    spread = f" ± {number(score.std)}" if seeds > 1 else ""
    return (
        short_number(score.step),
        number(score.mean) + spread,
        interval(score.low, score.high, seeds),
        number(score.iqm),
        interval(score.iqm_low, score.iqm_high, seeds),
    )


def _explanations(found: Sequence[Sample], metric: Metric, solved: float | None) -> list[str]:
    word = metric.noun
    lines = []
    if not metric.of_episodes:
        lines.append(f"- last {word}, last N {word}s: each run's value at the end, or its mean over the last N.")
    if metric.is_return and not metric.of_episodes:
        lines.append(
            f"- max of the mean {word}: where the mean over seeds is largest, as in the TD3 paper; biased upwards."
        )
    if metric.is_return or metric.of_episodes:
        lines.append(
            "- last N training episodes: mean of each run's last episodes, with exploration noise, as CleanRL reports."
        )
    if metric.of_episodes:
        lines.append(f"- curves: mean of each run's last {WINDOW} episodes, or of all while it has fewer.")
    lines += [
        "- ±: population std over seeds. IQM: interquartile mean over seeds; with fewer than 4 that is the mean.",
        f"- {explanation()}",
        f"- {iqm_explanation()}",
        "- intervals that overlap, or do not, are no test of a difference: ddpg-report compare makes one.",
    ]
    if any(one.unfinished for one in found):
        lines.append(
            "- seeds, as in 3 of 5: two are left out; where they failed, the scores are those of the survivors."
        )
    if solved is not None:
        lines.append(
            f"- solved: seeds whose last value is at least {solved:g}; one left out as it failed counts as not solved."
        )
    if any(one.configuration.endswith("…") for one in found):
        lines.append("- …: more keys differ than the label names; config.yaml in the run folder has them all.")
    return lines
