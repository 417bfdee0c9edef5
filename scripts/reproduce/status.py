"""How far the list is: what is done, running and left, and how many core-hours that takes."""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ddpg.record.tracking.metrics import Row as MetricsRow
from ddpg.record.tracking.metrics import read_metrics
from ddpg.report.kept import read_rows
from ddpg.sweep.state.status import is_locked
from ddpg.sweep.state.summary import summarize
from reproduce.plan import Plan, PlannedRun, Row
from reproduce.record import has_record

HOUR_S = 3600


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


def speed(rows: Iterable[MetricsRow]) -> float | None:
    """Env steps a second while the run learns: the harmonic mean of charts/SPS; None before it learns.

    Evaluations are in it. Rows without a loss are of the warm-up, which is many times faster.
    """
    seconds = [1 / row["charts/SPS"] for row in rows if "charts/SPS" in row and "losses/qf1_loss" in row]
    return len(seconds) / sum(seconds) if seconds else None


def speed_of_row(states: Sequence[RunState], runs: Path, records: Path) -> float | None:
    """The mean over the runs of one row that are done, running or interrupted; None: nothing was measured."""
    measured = [speed(_rows(one, runs, records)) for one in states if one.state != "left"]
    known = [one for one in measured if one is not None]
    return sum(known) / len(known) if known else None


def _rows(one: RunState, runs: Path, records: Path) -> list[MetricsRow]:
    if one.state == "done":
        return read_rows(records / one.run.name)
    return read_metrics(runs / one.run.name / "metrics.jsonl")


def report(plan: Plan, runs: Path, records: Path) -> str:
    """The table of rows, the sums of the stages, and what is missing."""
    states = [state_of(run, runs, records) for run in plan.runs()]
    by_row = {row: [one for one in states if one.run.row is row] for row in plan.rows if row.is_ready}
    speeds = {row: speed_of_row(found, runs, records) for row, found in by_row.items()}
    lines = ["row  runs                             done  running        left  steps/s  core-hours left"]
    lines += [_line(row, found, speeds[row]) for row, found in by_row.items()]
    lines.append("")
    for number, stage in enumerate(plan.stages):
        wanted = [one for one in states if one.run.stage <= number]
        lines.append(f"up to {stage.name}: {_sum(wanted, speeds)}")
    missing = sorted({row.preset for row in plan.rows if not row.is_ready})
    lines += [f"failed: {run.name}: {error}" for run, error in failures(states, runs)]
    lines += [f"left out: preset {preset} does not exist yet (conf/preset/{preset}.yaml)" for preset in missing]
    return "\n".join(lines)


def failures(states: Sequence[RunState], runs: Path) -> Iterator[tuple[PlannedRun, str]]:
    """The runs whose last start ended with an error, and the error."""
    for one in states:
        seen = summarize(runs / one.run.name)
        if one.state in ("left", "interrupted") and seen.state == "failed":
            yield one.run, seen.error


def _line(row: Row, states: Sequence[RunState], pace: float | None) -> str:
    done = sum(one.state == "done" for one in states)
    running = ", ".join(f"{one.run.seed} ({one.reached / row.steps:.0%})" for one in states if one.state == "running")
    begun = sum(one.state == "interrupted" for one in states)
    left = f"{len(states) - done - sum(one.state == 'running' for one in states)}" + (f" ({begun} begun)" * bool(begun))
    hours = "no estimate" if pace is None else f"{_hours(states, {row: pace})[0]:.1f}"
    shown_pace = "-" if pace is None else f"{pace:.0f}"
    return f"{row.number:<4} {row.name:<32} {done:>4}  {running or '-':<13} {left:>5}  {shown_pace:>7}  {hours:>15}"


def _sum(states: Sequence[RunState], speeds: dict[Row, float | None]) -> str:
    done = sum(one.state == "done" for one in states)
    hours, unknown = _hours(states, {row: pace for row, pace in speeds.items() if pace is not None})
    text = f"{done} of {len(states)} runs done, {hours:.1f} core-hours left"
    return text + (f" and {unknown} runs without an estimate" if unknown else "")


def _hours(states: Sequence[RunState], speeds: dict[Row, float]) -> tuple[float, int]:
    """Core-hours of the runs whose row has a measured speed, and how many other runs are left."""
    left = [one for one in states if one.steps_left]
    seconds = [one.steps_left / speeds[one.run.row] for one in left if one.run.row in speeds]
    return math.fsum(seconds) / HOUR_S, len(left) - len(seconds)
