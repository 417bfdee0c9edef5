"""The table of targets as Markdown, from the JSON that scripts/benchmark.py prints."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Target:
    """A row of the table: its quantity, unit and two marks; less is better where the aim is below the reach.

    Names in braces in the quantity stand for figures of the measurement.
    """

    what: str
    unit: str
    reach: float
    aim: float


TARGETS = {
    "td3_1": Target("updates beside the floor: td3 shapes, actor every step", "of the floor", 0.75, 0.90),
    "td3_2": Target("updates beside the floor: td3 shapes, actor every 2nd step", "of the floor", 0.75, 0.90),
    "paper_1": Target("updates beside the floor: 400-300, batch 64, no batch norm", "of the floor", 0.60, 0.80),
    "cleanrl": Target("whole training against CleanRL torch, its settings", "x", 2.0, 2.5),
    "cleanrl_jax": Target("whole training against CleanRL JAX, its settings", "x", 1.4, 2.0),
    "sb3": Target("whole training against SB3 DDPG, same nets and batch", "x", 2.0, 2.5),
    "batch_norm": Target("batch norm (preset=paper): compile=true against false", "x", 1.5, 2.0),
    "float64": Target("updates in double precision, time beside single: td3 shapes", "x", 4.0, 2.0),
    "two_cores": Target("two cores, one run: whole training against one core", "x", 1.5, 1.8),
    "many_runs": Target("n runs on n cores, together, against one alone", "n", 0.95, 1.0),
    "outside": Target("part of training outside updates and simulator", "%", 6.0, 3.0),
    "first_step": Target("`ddpg-train` to the first env step", "s", 4.0, 2.5),
    "help": Target("`ddpg-train --help`", "s", 1.0, 0.5),
    "compilation": Target("lost to compilation in a run, warm cache", "s", 3.0, 0.0),
    "compilation_cold": Target("lost to compilation in a run, cold cache", "s", 20.0, 0.0),
    "replay": Target("replay memory of 1M Humanoid-v4 transitions, by {transitions:,} of them", "GB", 1.7, 1.6),
    "memory": Target("peak resident memory of a run of {env_steps:,} steps against SB3", "x", 1.0, 0.7),
}


def measured(key: str, value: float, **figures: float) -> dict[str, Any]:
    """Return a row with its value in the target's unit, and the figures behind it."""
    return row(key, figures) | {"measured": value, "figures": figures}


def missing(key: str, reason: str, **figures: float) -> dict[str, Any]:
    """Return a row that was not measured, for want of an option or a core, or because it failed."""
    return row(key, figures) | {"not_measured": reason}


def row(key: str, figures: Mapping[str, float]) -> dict[str, Any]:
    """Return the part of a row that does not depend on the result."""
    target = TARGETS[key]
    return {
        "key": key,
        "what": target.what.format(**figures),
        "unit": target.unit,
        "reach": target.reach,
        "aim": target.aim,
    }


def verdict(found: dict[str, Any]) -> str:
    """Name the mark that the row reaches."""
    sign = 1 if found["aim"] >= found["reach"] else -1
    marks = [name for name in ("aim", "reach") if sign * found["measured"] >= sign * found[name]]
    return marks[0] if marks else "short"


def number(value: float) -> str:
    """Write a number with three digits and no exponent: 1.53, 0.087, 264."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3f}" if abs(value) < 1 else f"{value:.3g}"


def line(found: dict[str, Any]) -> str:
    """Write a row of the table."""
    marks = f"{found['reach']:g} | {found['aim']:g}"
    if "not_measured" in found:
        return f"| {found['what']} | not measured: {found['not_measured']} | {marks} | | |"
    figures = ", ".join(f"{name.replace('_', ' ')} {number(value)}" for name, value in found["figures"].items())
    value = f"{number(found['measured'])} {found['unit']}"
    return f"| {found['what']} | {value} | {marks} | {verdict(found)} | {figures} |"


def table(rows: Iterable[dict[str, Any]]) -> str:
    """Write the table."""
    head = ["| what | measured | reach | aim | reached | from |", "|---|---|---|---|---|---|"]
    return "\n".join([*head, *(line(found) for found in rows)])


def report(result: dict[str, Any]) -> str:
    """Write the machine, the peers, the number of turns and the table."""
    about = {"machine": result["machine"], **result["peers"]}
    lines = [
        f"- {name}: " + ", ".join(f"{key} {value}" for key, value in facts.items()) for name, facts in about.items()
    ]
    lines.append(f"- warm-up excluded; medians of {result['repeats']} turns")
    return "\n".join([*lines, "", table(result["rows"])])
