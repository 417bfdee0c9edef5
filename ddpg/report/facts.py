"""The facts of a run beside its metrics: how it was started, how fast it was, and what became of it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ddpg.config.keys import flat
from ddpg.config.settings import science
from ddpg.config.spelling import as_written
from ddpg.report.columns import Columns
from ddpg.report.filters import meaning
from ddpg.report.measured import NO_CURVE, Curve
from ddpg.report.reading import RunRecord

SPEED = "charts/SPS"
ELAPSED = "time/elapsed_s"
LOSS = "losses/qf1_loss"
HOUR_S = 3600.0

#: From the options of groups, and the environment's id if no option has it, to the values that these bring by key.
Usual = Callable[[Mapping[str, str], str | None], Mapping[str, str] | None]


def nothing_is_known(choices: Mapping[str, str], env_id: str | None) -> None:
    """Stand for `Usual` where nothing can be composed."""


class Clock(NamedTuple):
    """The hours of training by env step, and the last logged step before each resume."""

    hours: Curve
    resumed: list[int]


def clock(columns: Columns) -> Clock:
    """Add up the seconds of `time/elapsed_s`, which a process that goes on with a run counts from 0 again."""
    elapsed = columns.get(ELAPSED, NO_CURVE)
    gains = np.diff(elapsed.values, prepend=0.0)
    hours = np.cumsum(np.where(gains < 0, elapsed.values, gains)) / HOUR_S
    before = elapsed.steps[np.flatnonzero(gains < 0) - 1]
    return Clock(Curve(elapsed.steps, hours), [int(step) for step in before])


def speed(columns: Columns) -> float | None:
    """Return the env steps a second while the run learns, evaluations included: the harmonic mean of charts/SPS."""
    speeds = columns.get(SPEED, NO_CURVE)
    losses = columns.get(LOSS, NO_CURVE)
    learns = speeds.steps >= losses.steps[0] if len(losses.steps) else np.full(len(speeds.steps), True)
    positive = speeds.values[learns & (speeds.values > 0)]
    return float(len(positive) / np.sum(1 / positive)) if len(positive) else None


def updates(config: Mapping[str, Any]) -> dict[str, list[float]] | None:
    """Return env steps and the updates made until then, which grow evenly in between; None if that is not known."""
    try:
        begin = config["learning_starts"]
        end = max(config["total_steps"], begin + 1)
        return {"step": [0, begin, end], "value": [0, 0, (end - begin) * config["updates_per_step"]]}
    except (KeyError, TypeError):
        return None


def starts(record: RunRecord, resumed: Sequence[int]) -> list[dict[str, Any]]:
    """Describe each start of a run: when, where, from which commit, with which versions, and at which env step.

    The step of a resume is not on record: it is where the seconds of `time/elapsed_s` begin again, if that is seen for
    every resume.
    """
    begun = [start for start in record.starts if "started" in start]
    unknown = [None] * (len(begun) - 1)
    first = 0 if record.origin is None else record.origin.env_step
    steps = [first, *(resumed if len(resumed) == len(begun) - 1 else unknown)]
    return [
        {
            "time": start["started"],
            "machine": (start.get("machine") or {}).get("host") or (start.get("machine") or {}).get("cpu"),
            "commit": (start.get("git") or start).get("commit"),
            "dirty": (start.get("git") or {}).get("dirty"),
            "versions": start.get("versions") or {},
            "kernels": start.get("kernels"),
            "step": step,
        }
        for start, step in zip(begun, steps, strict=False)
    ]


def changed(record: RunRecord, usual: Usual) -> dict[str, list[str]] | None:
    """Return by key what its environment and preset have by themselves, and what the run has otherwise.

    None if it is not known; a class is told by its name, because packages move between versions.
    """
    is_of_id = "env.id" in (record.typed or ()) or record.choices.get("env") == "gym"
    env_id = record.config["env"].get("id") if is_of_id else None
    values = usual(record.choices, env_id)
    if values is None:
        return None
    own = {key: as_written(value) for key, value in flat(science(record.config)).items() if _is_leaf(value)}
    pairs = {key: [values.get(key, "-"), value] for key, value in own.items()}
    return {key: pair for key, pair in pairs.items() if len({_in_short(key, value) for value in pair}) > 1}


def _is_leaf(value: Any) -> bool:
    return not isinstance(value, Mapping)


def _in_short(key: str, value: str) -> str:
    return value.rpartition(".")[2] if key.endswith("_target_") else meaning(value)


def first_line(text: Any) -> str | None:
    """Return the first line of an error; None if there is none."""
    return str(text).partition("\n")[0] if text else None
