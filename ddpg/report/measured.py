"""The values of a run that a report compares: those of the metric, and the returns of its training episodes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from ddpg.record.series import Series, short_number
from ddpg.report.origin import Origin


class Curve(NamedTuple):
    """Values by env step: `steps` and `values` are [n], the steps ascend."""

    steps: Series
    values: Series

    def up_to(self, step: float) -> "Curve":
        """Return the part of the curve that lies at `step` or before."""
        count = np.searchsorted(self.steps, step, side="right")
        return Curve(self.steps[:count], self.values[:count])

    def after(self, step: float) -> "Curve":
        """Return the part of the curve that lies behind `step`."""
        count = np.searchsorted(self.steps, step, side="right")
        return Curve(self.steps[count:], self.values[count:])

    def at(self, steps: Series) -> Series:
        """Return the values at `steps`, all of which the curve has."""
        return self.values[np.searchsorted(self.steps, steps)]


#: The curve of a metric that a run does not have.
NO_CURVE = Curve(np.empty(0), np.empty(0))


def newest_at_each_step(curve: Curve) -> Curve:
    """Keep one value for each step, the one that was recorded last."""
    kept = np.append(curve.steps[1:] != curve.steps[:-1], True)[: len(curve.steps)]
    return Curve(curve.steps[kept], curve.values[kept])


def shared_steps(curves: Sequence[Curve]) -> Series:
    """Return the steps that all the curves have; at least one curve."""
    common = curves[0].steps
    for curve in curves[1:]:
        common = np.intersect1d(common, curve.steps, assume_unique=True)
    return common


@dataclass(frozen=True, eq=False)
class MeasuredRun:
    """A run and its values by env step. `shared` is what the labels of the environment have in common."""

    environment: str
    configuration: str
    shared: str
    seed: int
    state: str
    #: The env step of status.json.
    done_step: int
    total_steps: int
    eval_episodes: int
    metric: Curve
    episodes: Curve
    #: Where the run began if it is a fork.
    origin: Origin | None = None

    @property
    def reached(self) -> float:
        """The largest env step that is known of the run."""
        return max(
            self.done_step, *(float(curve.steps[-1]) for curve in (self.metric, self.episodes) if len(curve.steps)), 0.0
        )

    def has_reached(self, step: float) -> bool:
        """Whether the run has finished at `step`, or has gone on from there."""
        return self.reached > step or (self.state == "done" and self.done_step == step)

    def where(self) -> str:
        """Describe the run in a note: `seed 3 (failed at 20k)`."""
        return f"seed {self.seed} ({self.state} at {short_number(self.reached)})"
