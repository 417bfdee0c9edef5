"""The curves of a run with as many points as a page of many runs can carry."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from ddpg.record.series import Series, moving_mean
from ddpg.report.arrays import encode_steps, encode_values
from ddpg.report.columns import Columns
from ddpg.report.measured import Curve, newest_at_each_step
from ddpg.report.metric import Metric
from ddpg.report.samples import WINDOW

#: Points of all curves of a page together, about 1.6 bytes each in the file, and the least and most of one curve.
POINTS = 1_000_000
LEAST = 25
MOST = 400
#: About so many curves a run has.
CURVES = 20
#: A page has the hours by env step instead.
NOT_SHOWN = {"time/elapsed_s"}
#: Points of a metric of training episodes.
EPISODE_POINTS = 100
#: A page of more runs does without the text of each config.
CONFIGS = 50


@dataclass(frozen=True)
class Thinning:
    """The number of points that a page of many runs can carry of each.

    Args:
        shown: the metric of the page.
        most: points of its curve.
        others: points of any other curve.
        with_config: whether the text of the config is there.
    """

    shown: str
    most: int
    others: int
    with_config: bool

    def curves(self, columns: Columns, total_steps: int, reached: float) -> dict[str, Any]:
        """Write every curve of a run by the name of its metric.

        Args:
            columns: the finite values of the run.
            total_steps: what evenly spaced steps divide; the same for all runs of an environment.
            reached: the largest env step that is known of the run.
        """
        written: dict[str, Any] = {}
        steps_of: list[tuple[str, Series]] = []
        for name in sorted(columns.keys() - NOT_SHOWN):
            one = self._thin(Metric(name), columns[name], total_steps, reached)
            if len(one.steps):
                written[name] = {"step": _steps(name, one.steps, steps_of), "value": encode_values(one.values)}
        return written

    def words(self, name: str, points: int) -> str | None:
        """Say which values of a metric are left out; None if its longest curve has so few `points` that none is."""
        most = self.most if name == self.shown else self.others
        metric = Metric(name)
        if metric.of_episodes:
            return f"mean of the last {WINDOW} episodes, at up to {min(most, EPISODE_POINTS)} steps"
        if points < most // 2:  # thinning leaves at least half of what it may
            return None
        if metric.of_evaluations:
            return f"of more than {most} evaluations every second, fourth, eighth, ... is shown"
        return f"of more than {most} values, means between evenly spaced steps are shown"

    def _thin(self, metric: Metric, curve: Curve, total_steps: int, reached: float) -> Curve:
        most = self.most if metric.name == self.shown else self.others
        if metric.of_episodes:
            return on_grid(curve, total_steps, reached, min(most, EPISODE_POINTS))
        newest = newest_at_each_step(curve)
        if metric.of_evaluations:
            return every_nth(newest, most)
        return binned(newest, total_steps, most)


def thinning(shown: str, runs: int) -> Thinning:
    """Choose the numbers of points for a page of so many runs that shows the metric `shown` first."""
    share = POINTS // (max(runs, 1) * CURVES)
    others = min(max(share, LEAST), MOST)
    return Thinning(shown, min(4 * others, MOST), others, with_config=runs <= CONFIGS)


def on_grid(episodes: Curve, total_steps: int, reached: float, points: int) -> Curve:
    """Average the last WINDOW episodes at evenly spaced steps as far as the run has come, and where it is now."""
    grid = total_steps * np.arange(1, points + 1) / points
    steps = np.union1d(grid[grid <= reached], [reached])
    ended = np.searchsorted(episodes.steps, steps, side="right")
    means = moving_mean(episodes.values, WINDOW)
    return Curve(steps[ended > 0], means[ended[ended > 0] - 1])


def every_nth(curve: Curve, most: int) -> Curve:
    """Keep the first value, every n-th and the last, where n is a power of two.

    So runs that were evaluated at equal steps still share steps, also if one has gone on for longer.
    """
    count = len(curve.steps)
    nth = 1
    while count > nth * most:
        nth *= 2
    places = np.arange(count)
    kept = ((places + 1) % nth == 0) | (places == 0) | (places == count - 1)
    return Curve(curve.steps[kept], curve.values[kept])


def binned(curve: Curve, total_steps: int, most: int) -> Curve:
    """Average the values between evenly spaced steps where there are more values than that."""
    count = len(curve.steps)
    if count <= most:
        return curve
    bins = np.minimum(np.ceil(curve.steps * most / total_steps).astype(int), most)
    starts = np.flatnonzero(np.append(True, bins[1:] != bins[:-1]))
    sizes = np.diff(np.append(starts, count))
    ends = np.minimum(bins[starts] * total_steps / most, curve.steps[-1])
    return Curve(ends, np.add.reduceat(curve.values, starts) / sizes)


def _steps(name: str, steps: Series, before: list[tuple[str, Series]]) -> dict[str, Any]:
    """Write steps, or the name of the curve of this run that has the same ones."""
    for other, known in before:
        if known is steps or np.array_equal(known, steps):
            return {"ref": other}
    before.append((name, steps))
    return encode_steps(steps)
