"""Cells and tables that the sections of docs/results/evidence.md have in common."""

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

import hydra

from ddpg.report.text import seed_list
from reproduce.plan import Row
from reproduce.published import CONVENTIONS
from reproduce.scores import Estimate, Record, Records, estimate, seeds_of


def commands(rows: Sequence[Row]) -> Iterator[str]:
    """Sweeps of the seeds that a verdict needs: a line for all environments that share steps, seeds and overrides."""
    for (preset, steps, seeds, overrides), same in _by_settings(rows).items():
        envs = ",".join(row.env for row in same)
        numbers = ",".join(str(seed + 1) for seed in range(seeds))
        words = [f"preset={preset}", f"env={envs}", f"seed={numbers}", f"total_steps={steps}", *overrides]
        yield shlex.join(["ddpg-train", *words, "-m"])


def _by_settings(rows: Sequence[Row]) -> dict[tuple[str, int, int, tuple[str, ...]], list[Row]]:
    found: dict[tuple[str, int, int, tuple[str, ...]], list[Row]] = {}
    for row in rows:
        found.setdefault((row.preset, row.steps, row.judged_seeds, row.overrides), []).append(row)
    return found


def all_conventions(rows: Sequence[Row], records: Records) -> Iterator[str]:
    """The score by every convention, of the rows that have records, or the sentence that none has."""
    known = [row for row in rows if seeds_of(row, records)]
    if not known:
        yield "No run is over yet.\n"
        return
    yield f"| label | environment | seeds | {' | '.join(CONVENTIONS.values())} |"
    yield "|---" * (3 + len(CONVENTIONS)) + "|"
    for row in known:
        seeds = seeds_of(row, records)
        cells = [estimate_cell(estimate(list(seeds.values()), convention)) for convention in CONVENTIONS]
        yield f"| {' | '.join([row.label, environments(row, records), seeds_cell(seeds), *cells])} |"
    yield ""


def environments(row: Row, records: Records) -> str:
    """The ids of the environments in which the seeds of a row were trained: one, unless a seed is of another version.

    Without a seed it is that of the configuration.
    """
    ids = dict.fromkeys(record.config["env"]["id"] for record in seeds_of(row, records).values())
    return ", ".join(ids) or configured_id(row.env)


@cache
def configured_id(env: str) -> str:
    """The id of an environment by the name of its file in conf/env."""
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        return str(hydra.compose(f"env/{env}").env.id)


def estimate_cell(here: Estimate) -> str:
    """A mean, and its interval where there is one."""
    return f"{here.mean:.1f}" + ("" if math.isnan(here.low) else f" {interval_cell(here.low, here.high)}")


def interval_cell(low: float, high: float) -> str:
    """The bounds of an interval."""
    return f"[{low:.1f}, {high:.1f}]"


def seeds_cell(seeds: Mapping[int, Record]) -> str:
    """The seeds, and how many of them diverged."""
    diverged = sum(record.about["state"] != "done" for record in seeds.values())
    return seed_list(list(seeds)) + (f", {diverged} diverged" if diverged else "")


def span(values: Sequence[float]) -> str:
    """The smallest and the largest of some whole or rounded numbers, or the only one; nothing of none."""
    return " to ".join(dict.fromkeys(f"{value:.0f}" for value in (min(values), max(values)))) if values else ""
