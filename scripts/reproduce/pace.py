"""How fast runs are on a core for themselves, on which the estimate of what is left depends."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ddpg.record.tracking.metrics import Row as MetricsRow
from reproduce.plan import Row

#: The share of a run over whose fastest stretch its speed is measured.
STRETCH = 0.1


@dataclass(frozen=True)
class Pace:
    """Env steps a second, and of which runs: those of the `row` itself, of its `preset` or of its `suite`."""

    steps_per_second: float
    known_from: str


def undisturbed_speed(rows: Iterable[MetricsRow]) -> float | None:
    """Return the env steps a second in the fastest tenth of the part of a run in which it learns; None before that.

    A machine that does other things meanwhile slows a run at times to a tenth of its speed, so the mean over the whole
    run says more of the others than of the run. Within the stretch it is the harmonic mean of charts/SPS, in which
    evaluations are contained. Rows without a loss are of the warm-up, which is many times faster.
    """
    learning = [row for row in rows if row.get("charts/SPS", 0) > 0 and "losses/qf1_loss" in row]
    if not learning:
        return None
    seconds = np.array([1 / row["charts/SPS"] for row in learning])
    length = max(1, round(STRETCH * len(seconds)))
    return float(1 / np.convolve(seconds, np.ones(length) / length, "valid").min())


def paces(rows: Sequence[Row], speeds: Mapping[Row, Sequence[float]]) -> dict[Row, Pace]:
    """Return the pace of each row: that of its fastest run, else that of the fastest comparable run.

    Comparable are the runs of its preset in its suite of environments, or else all runs in its suite. A row without any
    of them has no pace.

    Args:
        rows: all rows of the list.
        speeds: the undisturbed speeds of the runs that were measured, by row.
    """
    found = {row: _pace(row, speeds) for row in rows}
    return {row: pace for row, pace in found.items() if pace is not None}


def _pace(row: Row, speeds: Mapping[Row, Sequence[float]]) -> Pace | None:
    comparable = {
        "row": [other for other in speeds if other is row],
        "preset": [other for other in speeds if (other.preset, other.suite) == (row.preset, row.suite)],
        "suite": [other for other in speeds if other.suite == row.suite],
    }
    for known_from, others in comparable.items():
        measured = [speed for other in others for speed in speeds[other]]
        if measured:
            return Pace(max(measured), known_from)
    return None
