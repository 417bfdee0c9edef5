"""The published scores of conf/reference_scores.yaml that a page can draw beside its runs."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from ddpg.record.series import short_number
from ddpg.report.metric import EPISODES, Metric
from ddpg.report.reading import RunRecord

#: What the conventions of the file are called.
CONVENTIONS = {
    "training": "last 100 training episodes, with exploration noise",
    "training_40": "last 40 training episodes, with exploration noise",
    "max": "largest mean over evaluations",
    "last_10": "mean of the last 10 evaluations",
    "last": "last evaluation",
    "read_off": "read off a plot",
}

#: A published score, as the payload has it.
Reference = dict[str, Any]


@cache
def published() -> Mapping[str, Mapping[str, Any]]:
    """Read the tables of conf/reference_scores.yaml by their names."""
    text = files("ddpg.conf").joinpath("reference_scores.yaml").read_text("utf-8")
    tables = yaml.safe_load(text)
    assert isinstance(tables, dict)
    return tables


def references(records: Iterable[RunRecord], metric: Metric) -> list[Reference]:
    """List the published scores of the environments and presets of some runs; none where the metric is no return."""
    if not metric.is_return:
        return []
    runs: dict[str, list[RunRecord]] = {}
    for record in records:
        runs.setdefault(record.environment, []).append(record)
    return [
        reference
        for environment, same in sorted(runs.items())
        for table in published().values()
        for reference in _of_table(table, environment, same, metric)
    ]


def _of_table(
    table: Mapping[str, Any], environment: str, runs: Sequence[RunRecord], metric: Metric
) -> Iterator[Reference]:
    """Yield the score of a table in an environment, if some run there has its preset."""
    name, version = _name_and_version(environment, runs[0])
    same = [run for run in runs if run.choices.get("preset") == table["preset"]]
    if not same or name not in table["scores"]:
        return
    score = table["scores"][name]
    there = f"seeds: {table['seeds'] or 'not said'}; environments: {table['versions']}"
    yield {
        "environment": environment,
        "preset": table["preset"],
        "score": score[0] if isinstance(score, list) else score,
        "spread": score[1] if isinstance(score, list) else None,
        "spread_kind": table["spread"] if isinstance(score, list) else None,
        "convention": CONVENTIONS[table["convention"]],
        "steps": table["steps"],
        "source": table["source"],
        "url": table["url"],
        "protocol": there,
        "differs": "; ".join(_differences(table, version, same, metric)) or None,
    }


def _differences(table: Mapping[str, Any], version: str, runs: Sequence[RunRecord], metric: Metric) -> Iterator[str]:
    """Say in words what is not as in these runs."""
    if version != table["versions"] and table["versions"] != "dm_control":
        yield f"environments {table['versions']} there, {version} here"
    steps = sorted({run.config["total_steps"] for run in runs})
    if steps != [table["steps"]]:
        yield f"{short_number(table['steps'])} steps there, {', '.join(map(short_number, steps))} here"
    is_training = table["convention"].startswith("training")
    if is_training != (metric.name == EPISODES) or table["convention"] in ("max", "training_40", "read_off"):
        yield f"{CONVENTIONS[table['convention']]} there, {_shown(metric)} here"
    if table["differs"] is not None:
        yield table["differs"]


def _shown(metric: Metric) -> str:
    return "means of 100 training episodes" if metric.name == EPISODES else "evaluations without noise"


def _name_and_version(environment: str, run: RunRecord) -> tuple[str, str]:
    """Split halfcheetah-v4; the version of an environment whose name has none is that of its id."""
    name = re.fullmatch(r"(.*?)(?:-(v\d+))?", environment)
    of_id = re.search(r"-(v\d+)$", str(run.config["env"].get("id", "")))
    assert name is not None
    return name[1], name[2] or (of_id[1] if of_id else "unknown")
