"""How far the list is: what is done, running and left, and how many core-hours that takes."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ddpg.record.tracking.metrics import read_metrics
from ddpg.sweep.state.status import is_locked
from ddpg.sweep.state.summary import summarize
from reproduce.pace import Pace, paces, undisturbed_speed
from reproduce.plan import Plan, PlannedRun, Row
from reproduce.record import has_record
from reproduce.scores import Records, read_all
from reproduce.verdict import to_look_into

HOUR_S = 3600
HEADER = "row  runs                             done  running        left  steps/s   of     core-hours left"
EXPLANATION = (
    "steps/s: as on a core for itself, measured in the fastest tenth of a run, because elsewhere the machine did other "
    "things as well;\nof the row's own fastest run, or of the fastest run of the same preset or suite"
)


@dataclass(frozen=True)
class RunState:
    """Where a run is: `state` is done, running, interrupted or left; `reached` counts env steps."""

    run: PlannedRun
    state: str
    reached: int

    @property
    def steps_left(self) -> int:
        """Env steps that are still to be trained."""
        return 0 if self.state == "done" else max(self.run.row.steps - self.reached, 0)


def state_of(run: PlannedRun, runs: Path, records: Path) -> RunState:
    """Looks at the record and the run folder of a run."""
    if has_record(run, records):
        return RunState(run, "done", run.row.steps)
    folder = runs / run.name
    if is_locked(folder):
        return RunState(run, "running", summarize(folder).reached_step)
    saved = summarize(folder).saved_step
    return RunState(run, "interrupted" if saved else "left", saved)


def report(plan: Plan, runs: Path, records: Path) -> str:
    """The table of rows, the sums of the stages, and what is missing."""
    states = [state_of(run, runs, records) for run in plan.runs()]
    ready = [row for row in plan.rows if row.is_ready]
    found = read_all(records)
    known = paces(ready, speeds(states, runs, found))
    lines = [HEADER]
    lines += [_line(row, [one for one in states if one.run.row is row], known.get(row)) for row in ready]
    lines += [EXPLANATION, ""]
    for number, stage in enumerate(plan.stages):
        wanted = [one for one in states if one.run.stage <= number]
        lines.append(f"up to {stage.name}: {_sum(wanted, known)}")
    missing = sorted({row.preset for row in plan.rows if not row.is_ready})
    lines += [f"failed: {run.name}: {error}" for run, error in failures(states, runs)]
    lines += [f"left out: preset {preset} does not exist yet (conf/preset/{preset}.yaml)" for preset in missing]
    lines += [f"to be looked into: {sentence}" for sentence in to_look_into(plan, found)]
    return "\n".join(lines)


def speeds(states: Sequence[RunState], runs: Path, records: Records) -> dict[Row, list[float]]:
    """Return the undisturbed speeds of the runs that are done, running or interrupted, by row."""
    found: dict[Row, list[float]] = {}
    for one in states:
        speed = _speed(one, runs, records)
        if speed is not None:
            found.setdefault(one.run.row, []).append(speed)
    return found


def failures(states: Sequence[RunState], runs: Path) -> Iterator[tuple[PlannedRun, str]]:
    """The runs whose last start ended with an error, and the error."""
    for one in states:
        seen = summarize(runs / one.run.name)
        if one.state in ("left", "interrupted") and seen.state == "failed":
            yield one.run, seen.error


def _speed(one: RunState, runs: Path, records: Records) -> float | None:
    if one.state == "left":
        return None
    if one.state == "done":
        return records[one.run.name].speed
    return undisturbed_speed(read_metrics(runs / one.run.name / "metrics.jsonl"))


def _line(row: Row, states: Sequence[RunState], pace: Pace | None) -> str:
    done = sum(one.state == "done" for one in states)
    running = ", ".join(f"{one.run.seed} ({one.reached / row.steps:.0%})" for one in states if one.state == "running")
    begun = sum(one.state == "interrupted" for one in states)
    left = f"{len(states) - done - sum(one.state == 'running' for one in states)}" + (f" ({begun} begun)" * bool(begun))
    hours = "no estimate" if pace is None else f"{_hours(states, {row: pace})[0]:.1f}"
    speed, source = ("-", "-") if pace is None else (f"{pace.steps_per_second:.0f}", pace.known_from)
    return (
        f"{row.number:<4} {row.name:<32} {done:>4}  {running or '-':<13} {left:>5}  {speed:>7}   {source:<6}  "
        f"{hours:>15}"
    )


def _sum(states: Sequence[RunState], known: Mapping[Row, Pace]) -> str:
    done = sum(one.state == "done" for one in states)
    hours, unknown = _hours(states, known)
    text = f"{done} of {len(states)} runs done, {hours:.1f} core-hours left"
    return text + (f" and {unknown} runs without an estimate" if unknown else "")


def _hours(states: Sequence[RunState], known: Mapping[Row, Pace]) -> tuple[float, int]:
    """Core-hours of the runs whose row has a pace, and how many other runs are left."""
    left = [one for one in states if one.steps_left]
    seconds = [one.steps_left / known[one.run.row].steps_per_second for one in left if one.run.row in known]
    return math.fsum(seconds) / HOUR_S, len(left) - len(seconds)
