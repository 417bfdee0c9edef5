"""The table of final scores as markdown that can be read in a terminal as well."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path

import numpy as np

from ddpg.plot import short_number
from ddpg.report.samples import Sample
from ddpg.report.statistics import ENOUGH, Estimates, Score

HEADER = ("convention", "configuration", "seeds", "step", "IQM", "95 % interval", "mean ± std")


def markdown(found: Sequence[Sample], metric: str, estimates: Estimates, pictures: Mapping[str, Path]) -> str:
    """Every environment with its picture, if it is among `pictures`, its table and what to know of it."""
    lines = [f"# {metric}", ""]
    for environment, samples in groupby(found, key=lambda sample: sample.environment):
        lines += [f"## {environment}", ""]
        if environment in pictures:
            lines += [f"![{metric} of {environment}]({pictures[environment].name})", ""]
        same = list(samples)
        lines += [*_aligned([HEADER, *_rows(same, noun(metric), estimates)]), ""]
        notes = [f"- {sample.configuration}: {note}" for sample in same for note in sample.notes]
        lines += [*notes, ""] if notes else []
    return "\n".join([*lines, *_meaning(metric, estimates.reps)]) + "\n"


def noun(metric: str) -> str:
    """What a value of the metric is called."""
    return "evaluation" if metric.startswith("eval/") else "value"


def seed_list(seeds: Sequence[int]) -> str:
    """Count and numbers: (1, 2, 3, 7) -> 4 (1-3, 7)."""
    runs = [list(run) for _, run in groupby(seeds, key=lambda seed: seed - list(seeds).index(seed))]
    told = (f"{run[0]}-{run[-1]}" if len(run) > 2 else ", ".join(map(str, run)) for run in runs)
    return f"{len(seeds)} ({', '.join(told)})" if seeds else "0"


def number(value: float) -> str:
    """1234.5, 12.34, 0.00123."""
    size = abs(value)
    return f"{value:.1f}" if size >= 100 else f"{value:.2f}" if size >= 1 or size == 0 else f"{value:.3g}"


def _rows(samples: Sequence[Sample], noun: str, estimates: Estimates) -> Iterator[tuple[str, ...]]:
    """All configurations by one convention, then by the next: what is to be compared stands together."""
    scores = [(place, one, score) for one in samples for place, score in enumerate(estimates.scores(one, noun))]
    for _, one, score in sorted(scores, key=lambda entry: entry[0]):
        yield (score.convention, one.configuration, seed_list(one.seeds), *_numbers(score, len(one.seeds)))


def _numbers(score: Score, seeds: int) -> tuple[str, ...]:
    interval = f"[{number(score.low)}, {number(score.high)}]" if np.isfinite(score.low) else f"- ({_seeds(seeds)})"
    spread = f" ± {number(score.std)}" if seeds > 1 else ""
    return short_number(score.step), number(score.iqm), interval, number(score.mean) + spread


def _seeds(count: int) -> str:
    return "1 seed" if count == 1 else f"{count} seeds"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows, the first of them the header, as a table whose columns have one width."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    ruled = (rows[0], ["-" * width for width in widths], *rows[1:])
    padded = [[cell.ljust(width) for cell, width in zip(row, widths, strict=True)] for row in ruled]
    return [f"| {' | '.join(row)} |" for row in padded]


def _meaning(metric: str, reps: int) -> list[str]:
    word = noun(metric)
    return [
        f"- last {word}, last N {word}s: each run's value at the end, or its mean over the last N.",
        f"- max of the mean {word}: where the mean over seeds is largest, as in the TD3 paper; biased upwards.",
        "- last N training episodes: mean of each run's last episodes, with exploration noise, as CleanRL reports.",
        "- IQM: interquartile mean over seeds; with fewer than 4 seeds that is the mean. ±: population std over seeds.",
        f"- 95 % interval: stratified bootstrap of rliable, {reps} samples; none with fewer than {ENOUGH} seeds.",
    ]
