"""docs/results/evidence.md, made from the list and the records."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np

from ddpg.report.intervals import ENOUGH
from ddpg.report.selection import count
from reproduce import side_by_side
from reproduce.picture import source_picture
from reproduce.plan import ROOT, Plan, Row
from reproduce.published import CONVENTIONS, Convention, Published
from reproduce.scores import Records, estimate, final_scores, seeds_of
from reproduce.tables import (
    all_conventions,
    commands,
    environments,
    estimate_cell,
    interval_cell,
    seeds_cell,
    span,
)
from reproduce.verdict import difference, not_judged, to_look_into, verdict

PAGE = ROOT / "docs" / "results" / "evidence.md"
VERSIONS = ("torch", "gymnasium", "mujoco", "dm_control", "box2d", "pybullet")

INTRODUCTION = """# The published tables, run again

Made by `python scripts/evidence.py page` from the records in [data/evidence](data/evidence) and the list in
[scripts/reproduce/list.yaml](../../scripts/reproduce/list.yaml): do not edit it. How the runs are made:
[results](README.md#the-published-tables-run-again).

- Every seed that was run counts, one that diverged with its last values. What is not run yet is missing, and the tables
  say so.
- *seeds*: how many there are and, in brackets, which. Numbers are means over them, from three seeds on with their 95 %
  interval, Student's t. How often it covers the true mean: [statistics](../statistics.md#intervals).
- *last 100 training episodes*: with exploration noise, mean of each seed's last 100. *maximum of the mean evaluation*:
  the largest value of the noise-free evaluation curve, averaged over seeds; biased upwards, the more the fewer seeds
  and the more evaluations there are. *last 10 evaluations*, *last evaluation*: without noise, at the end. Conventions
  are not mixed: a published number stands beside the number here that is made as it was.
- *difference*: here minus published, with its 95 % interval: Welch's, from the published deviation and number of seeds.
  Published deviations of n seeds have the divisor n; the interval, the distance and the pictures have them with n - 1.
  Where no deviation is published, that of the seeds here is taken for it. Measured on normal scores, the interval
  covers the true difference in 93 to 97 % of cases, but if unpublished seeds vary twice as much as ten seeds here, in
  82 % with ten of them and in 73 % with one.
- *met*: that interval contains zero and nothing beyond half of the published number; its bounds are in brackets, in
  percent. *missed*, *above*: it does not contain zero. If it is wider, it *cannot be told*, because there are too few
  seeds, here or there. It cannot be told *yet* before the seeds of the command are there, which are three or
  more, and of a maximum before there are as many as are published.
"""


def page(plan: Plan, records: Records) -> str:
    """The whole page."""
    sections = [
        [INTRODUCTION],
        _to_look_into(plan, records),
        *(_source(rows, records) for rows in plan.published_sources()),
        *(side_by_side.section(plan, comparison, records) for comparison in plan.comparisons),
        _origins(plan, records),
    ]
    return "\n".join(chain.from_iterable(sections))


def _to_look_into(plan: Plan, records: Records) -> Iterator[str]:
    yield "## To be looked into\n"
    found = list(to_look_into(plan, records))
    yield (
        "Results whose mean is more than two standard deviations of seeds away from the published number (those of the "
        "published seeds or, if they are unknown, of three or more seeds here), and seeds that diverged or have come "
        "less than a tenth of the way from the untrained policy to the published number:"
        + ("\n" if found else " none among the results that can be judged.\n")
    )
    yield from _listed(found)
    unknown = list(not_judged(plan, records))
    if unknown:
        yield (
            f"No deviation is published for {count(len(unknown), 'results')}, so that only {ENOUGH} seeds or more can "
            "show whether they belong here; the tables below say how many seeds a verdict needs:\n"
        )
        yield from _listed(unknown)
    waiting = sum(len(row.published) for row in plan.rows if not seeds_of(row, records))
    if waiting:
        yield f"{count(waiting, 'published numbers')} have no seed yet.\n"


def _listed(sentences: Sequence[str]) -> list[str]:
    return [*(f"- {sentence}" for sentence in sentences), ""] if sentences else []


def _source(rows: Sequence[Row], records: Records) -> Iterator[str]:
    """The section of one source."""
    first = rows[0]
    yield f"## {first.label}: {first.source}\n"
    if not first.is_ready:
        yield f"The preset {first.preset} does not exist yet.\n"
        return
    yield from (f"    {command}" for command in commands(rows))
    yield ""
    if first.note:
        yield f"{first.note}\n"
    if any(seeds_of(row, records) for row in rows):
        yield f"![Curves of {first.label} beside the published scores](evidence/{source_picture(rows).name})\n"
    yield from _comparison(rows, records)
    yield from all_conventions(rows, records)


def _comparison(rows: Sequence[Row], records: Records) -> Iterator[str]:
    """Published and here, side by side, by the convention of the source."""
    yield "| environment | version in the source | convention | published | here | seeds | difference | |"
    yield "|---|---|---|---|---|---|---|---|"
    for row in rows:
        for convention, score in row.published.items():
            yield f"| {' | '.join(_cells(row, convention, score, records))} |"
    yield ""
    scores = [score for row in rows for score in row.published.values()]
    yield " ".join(dict.fromkeys(map(_spread, scores))) + "\n"


def _spread(score: Published) -> str:
    """Say over how many seeds a published number is a mean, and what its ± is."""
    seeds = count(score.seeds, "seeds")
    if score.deviation is None:
        return f"The published numbers are those of {seeds}, without a deviation."
    return f"The published ± is the {score.kind} over {seeds}."


def _cells(row: Row, convention: Convention, score: Published, records: Records) -> list[str]:
    seeds = seeds_of(row, records)
    ordered = list(seeds.values())
    values = final_scores(ordered, convention) if ordered else np.empty(0)
    here = estimate_cell(estimate(ordered, convention)) if ordered else ""
    found = difference(score, values)
    distance = "" if found is None else f"{found.value:.1f} {interval_cell(found.low, found.high)}"
    name = environments(row, records)
    published = _published(score)
    judged = verdict(row, convention, values)
    return [name, score.versions, CONVENTIONS[convention], published, here, seeds_cell(seeds), distance, judged]


def _published(score: Published) -> str:
    if score.read_off:
        return f"about {score.value:.0f} (± {score.read_off:.0f})"
    return f"{score.value:.1f}" + ("" if score.spread is None else f" ± {score.spread:.1f}")


def _origins(plan: Plan, records: Records) -> Iterator[str]:
    """Which code, kernels, versions and machines made the records of each row."""
    yield "## How the records were made\n"
    yield (
        "Each seed is linked to its record. Steps a second: in the fastest tenth of each run, because elsewhere the "
        "machine did other things as well; of several seeds, the slowest and the fastest.\n"
    )
    yield f"| runs | seeds | steps a second | commit | kernels | {' | '.join(VERSIONS)} | processor |"
    yield "|---" * (6 + len(VERSIONS)) + "|"
    for row in plan.rows:
        seeds = seeds_of(row, records)
        if seeds:
            links = ", ".join(f"[{seed}](data/evidence/{row.name}_{seed})" for seed in seeds)
            speeds = [record.speed for record in seeds.values() if record.speed is not None]
            starts = [start for record in seeds.values() for start in record.about["starts"]]
            yield f"| {' | '.join([row.name, links, span(speeds), *_origin(starts)])} |"
    yield ""


def _origin(starts: Sequence[Any]) -> list[str]:
    return [
        _different(start["commit"][:7] + (" (changed)" if start["uncommitted"] else "") for start in starts),
        _different(start["kernels"] for start in starts),
        *(_different(start["versions"].get(package) for start in starts) for package in VERSIONS),
        _different(start["machine"]["cpu"] for start in starts),
    ]


def _different(values: Iterable[str | None]) -> str:
    """The value that all starts of some runs have, or all their values; nothing where none is on record."""
    return ", ".join(dict.fromkeys(value for value in values if value is not None))
