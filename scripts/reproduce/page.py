"""docs/results/evidence.md, made from the list and the records."""

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby

from reproduce.plan import CONVENTIONS, ROOT, Convention, Plan, Published, Row
from reproduce.scores import Estimate, Record, estimate, seeds_of, verdict

PAGE = ROOT / "docs" / "results" / "evidence.md"
Records = Mapping[str, Record]
NAMES: Mapping[Convention, str] = {
    "training": "last 100 training episodes",
    "max": "maximum of the mean evaluation",
    "last_10": "last 10 evaluations",
    "last": "last evaluation",
}
VERSIONS = ("torch", "gymnasium", "mujoco", "dm_control", "box2d", "pybullet")

INTRODUCTION = """# The published tables, run again

Made by `python scripts/evidence.py page` from the records in [data/evidence](data/evidence) and the list in
[scripts/reproduce/list.yaml](../../scripts/reproduce/list.yaml): do not edit it. How the runs are made:
[results](README.md#the-published-tables-run-again).

- Every seed that was run counts, one that diverged with its last values. What is not run yet is missing, and the table
  says so.
- Numbers are means over seeds. In brackets stands their 95 % interval, Student's t, from three seeds on. How often it
  covers the true mean: [statistics](../statistics.md#intervals).
- *last 100 training episodes*: with exploration noise, mean of each seed's last 100. *maximum of the mean evaluation*:
  the largest value of the noise-free evaluation curve, averaged over seeds; biased upwards, the more the fewer seeds
  there are. *last 10 evaluations*, *last evaluation*: without noise, at the end. Conventions are not mixed: a published
  number stands beside the number here that is made as it was.
- *met*: the interval here meets the 95 % interval of the published mean (a published number without a spread is taken
  as a point, one that was read off a picture with its precision). *missed* and *above* give the distance of the means.
  It *cannot be told yet* before all seeds of the list are there, and never with fewer than three.

![Training here beside the published scores](evidence.png)
"""


def page(plan: Plan, records: Records) -> str:
    """The whole page."""
    sources = [list(rows) for _, rows in groupby(plan.rows, key=lambda row: (row.label, row.source))]
    parts = [INTRODUCTION, *("\n".join(_source(rows, records)) for rows in sources), "\n".join(_origins(records))]
    return "\n".join(parts)


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
    if any(row.published for row in rows):
        yield from _comparison(rows, records)
    if any(seeds_of(row, records) for row in rows):
        yield from _all_conventions(rows, records)
    else:
        yield "No run is over yet.\n"


def commands(rows: Sequence[Row]) -> Iterator[str]:
    """Sweeps that are the same runs: a line for all environments that share their overrides."""
    for (steps, seeds, overrides), same in _by_settings(rows).items():
        envs = ",".join(row.env for row in same)
        numbers = ",".join(str(seed + 1) for seed in range(seeds))
        words = [f"preset={rows[0].preset}", f"env={envs}", f"seed={numbers}", f"total_steps={steps}", *overrides]
        yield shlex.join(["ddpg-train", *words, "-m"])


def _by_settings(rows: Sequence[Row]) -> dict[tuple[int, int, tuple[str, ...]], list[Row]]:
    found: dict[tuple[int, int, tuple[str, ...]], list[Row]] = {}
    for row in rows:
        found.setdefault((row.steps, row.seeds, row.overrides), []).append(row)
    return found


def _comparison(rows: Sequence[Row], records: Records) -> Iterator[str]:
    """Published and here, side by side, by the convention of the source."""
    yield f"| environment | convention | published ({rows[0].versions}) | here | seeds | |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        seeds = seeds_of(row, records)
        for convention, score in row.published.items():
            here = estimate(list(seeds.values()), convention) if seeds else None
            name = NAMES[convention]
            cells = [row.environment, name, _published(row, score), _estimate(here), _list(seeds)]
            yield f"| {' | '.join([*cells, verdict(row, score, here)])} |"
    yield ""
    if rows[0].kind_of_spread:
        yield f"± is the {rows[0].kind_of_spread} over {rows[0].published_seeds} published seeds.\n"


def _all_conventions(rows: Sequence[Row], records: Records) -> Iterator[str]:
    """Every convention, of the rows that have records."""
    yield f"| environment | seeds | {' | '.join(NAMES[convention] for convention in CONVENTIONS)} |"
    yield "|---|---|---|---|---|---|"
    for row in rows:
        seeds = seeds_of(row, records)
        if seeds:
            cells = [_estimate(estimate(list(seeds.values()), convention)) for convention in CONVENTIONS]
            yield f"| {' | '.join([row.environment, _list(seeds), *cells])} |"
    yield ""


def _published(row: Row, score: Published) -> str:
    if score.spread is not None:
        return f"{score.value:.1f} ± {score.spread:.1f}"
    return f"{score.value:.1f}" if score.read_off is None else f"about {score.value:.0f} (± {score.read_off:.0f})"


def _estimate(here: Estimate | None) -> str:
    if here is None:
        return ""
    return f"{here.mean:.1f}" + ("" if math.isnan(here.low) else f" [{here.low:.1f}, {here.high:.1f}]")


def _list(seeds: Mapping[int, Record]) -> str:
    diverged = sum(record.about["state"] != "done" for record in seeds.values())
    return ", ".join(map(str, seeds)) + (f" ({diverged} diverged)" if diverged else "")


def _origins(records: Records) -> Iterator[str]:
    """Which code, kernels, versions and machine made each record; one line for each."""
    yield "## How the records were made\n"
    yield "Steps a second: in the fastest tenth of each run, because elsewhere the machine did other things as well.\n"
    yield f"| record | steps a second | starts | commit | kernels | {' | '.join(VERSIONS)} | processor |"
    yield "|---" * (6 + len(VERSIONS)) + "|"
    for name, record in sorted(records.items()):
        starts = record.about["starts"]
        versions = [_different(start["versions"].get(package) for start in starts) for package in VERSIONS]
        cells = [
            f"[{name}](data/evidence/{name})",
            "" if record.speed is None else f"{record.speed:.0f}",
            str(len(starts)),
            _different(start["commit"][:7] + (" (changed)" if start["uncommitted"] else "") for start in starts),
            _different(start["kernels"] for start in starts),
            *versions,
            _different(start["machine"]["cpu"] for start in starts),
        ]
        yield f"| {' | '.join(cells)} |"
    yield ""


def _different(values: Iterator[str | None]) -> str:
    """What all starts of a run have in common, or all that they had; nothing where it is not on record."""
    return ", ".join(dict.fromkeys(value for value in values if value is not None))
