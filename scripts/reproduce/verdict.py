"""Verdicts on published scores by the seeds here, and the results that are to be looked into."""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from scipy.special import stdtr

from ddpg.record.series import Series
from ddpg.report.compare.difference import welch
from ddpg.report.intervals import ENOUGH, t_quantile
from ddpg.report.selection import count
from ddpg.report.statistics import EVALUATIONS
from reproduce.plan import Plan, Row
from reproduce.published import CONVENTIONS, Convention, Published
from reproduce.scores import Record, Records, final_scores, seeds_of

#: A mean so many standard deviations of seeds away from the published one is to be looked into.
FAR = 2
#: A score is met if the interval of the difference contains zero and nothing beyond this share of the score.
CLOSE = 0.5
#: A seed that has not come so far from the untrained policy to the published score ends as it began.
LEAST_GAIN = 0.1


class Difference(NamedTuple):
    """The mean here minus the published one, and its 95 % interval."""

    value: float
    low: float
    high: float


class Noise(NamedTuple):
    """The standard deviation of seeds, and its degrees of freedom."""

    deviation: float
    freedom: int


class Distance(NamedTuple):
    """A distance in standard deviations of seeds, and the chance of one as large by luck, if scores are normal."""

    deviations: float
    chance: float


def difference(score: Published, values: Series) -> Difference | None:
    """Compare the scores here [S] with the published mean; None with fewer than ENOUGH seeds.

    Where the deviation of the published seeds is known, the interval is Welch's. Otherwise it is taken to be that of
    the seeds here, as for the next of them if a single run is published, and the precision of a value that was read off
    a picture comes to it:

        mean - published ± (t_(S - 1) s sqrt(1 / S + 1 / published seeds) + precision)
    """
    seeds = len(values)
    if seeds < ENOUGH:
        return None
    value = float(values.mean()) - score.value
    deviation = score.deviation
    tested = None if deviation is None else welch(values, _sample(score.value, deviation, score.seeds))
    if tested is not None:
        return Difference(value, tested.low, tested.high)
    half = t_quantile(seeds - 1) * float(values.std(ddof=1)) * math.sqrt(1 / seeds + 1 / score.seeds)
    half += score.read_off
    return Difference(value, value - half, value + half)


def _sample(mean: float, deviation: float, seeds: int) -> Series:
    """Return any scores with this mean and deviation: of a sample, Welch's test uses nothing else and its size."""
    spread = np.linspace(-1.0, 1.0, seeds)
    return mean + deviation * spread / spread.std(ddof=1)


def verdict(row: Row, convention: Convention, values: Series) -> str:
    """Say of the scores here [S] whether they met, missed or are above the published one, or that it is too early."""
    score = row.published[convention]
    found = difference(score, values)
    needed = row.seeds_to_judge(convention)
    if found is None or len(values) < needed:
        text = f"cannot be told yet: {len(values)} of {needed} seeds"
    elif found.low <= 0 <= found.high:
        bounds = f"{_share(found.low, score)} to {_share(found.high, score)}"
        is_close = max(abs(found.low), abs(found.high)) <= CLOSE * abs(score.value)
        text = f"met ({bounds})" if is_close else f"cannot be told: anything from {bounds} is possible"
    else:
        text = f"{'above' if found.value > 0 else 'missed'} by {abs(found.value):.0f} ({_share(found.value, score)})"
    return text + ("; to be looked into" if far(score, values) is not None else "")


def _share(distance: float, score: Published) -> str:
    return f"{abs(distance / score.value):.0%} {'more' if distance > 0 else 'less'}"


def far(score: Published, values: Series) -> Distance | None:
    """Return how far the mean here [S] is from the published one; None up to FAR standard deviations of seeds.

    They are those of the published seeds or, where these are not known, of the seeds here.
    """
    noise = _noise(score, values)
    if not len(values) or noise is None:
        return None
    deviations = max(0.0, abs(float(values.mean()) - score.value) - score.read_off) / noise.deviation
    t = deviations / math.sqrt(1 / len(values) + 1 / score.seeds)
    return Distance(deviations, 2 * float(stdtr(noise.freedom, -t))) if deviations > FAR else None


def _noise(score: Published, values: Series) -> Noise | None:
    """Return how much seeds vary; None where no deviation is published and there are too few seeds here [S]."""
    if score.deviation is not None:
        return Noise(score.deviation, score.seeds - 1)
    if len(values) < ENOUGH or not values.std():
        return None
    return Noise(float(values.std(ddof=1)), len(values) - 1)


def not_judged(plan: Plan, records: Records) -> Iterator[str]:
    """Yield a sentence for each result of which it is not known yet whether it is far, because no deviation is."""
    for row in plan.rows:
        seeds = list(seeds_of(row, records).values())
        for convention, score in row.published.items() if seeds else ():
            values = final_scores(seeds, convention)
            if _noise(score, values) is None:
                distance = _share(float(values.mean()) - score.value, score)
                yield f"{_named(row, convention, values)} is {distance} than the published {score.value:.1f}"


def to_look_into(plan: Plan, records: Records) -> Iterator[str]:
    """Yield a sentence for each result far from its source, and for each seed that diverged or did not learn."""
    for row in plan.rows:
        seeds = seeds_of(row, records)
        for convention, score in row.published.items():
            yield from _far_result(row, convention, score, list(seeds.values()))
        for seed, record in seeds.items():
            yield from (f"{row.name}, seed {seed}: {text}" for text in _failures(row, record))


def _far_result(row: Row, convention: Convention, score: Published, records: list[Record]) -> Iterator[str]:
    values = final_scores(records, convention) if records else np.empty(0)
    distance = far(score, values)
    if distance is not None:
        yield (
            f"{_named(row, convention, values)} is {distance.deviations:.1f} standard deviations of seeds from the "
            f"published {score.value:.1f}; by luck alone it is so far in {100 * distance.chance:.2g} % of cases"
        )


def _named(row: Row, convention: Convention, values: Series) -> str:
    return f"{row.name}: {CONVENTIONS[convention]} {values.mean():.1f} ({count(len(values), 'seeds')})"


def _failures(row: Row, record: Record) -> Iterator[str]:
    about = record.about
    if about["state"] != "done":
        yield f"diverged at step {about['env_step']:,} ({about['error']})"
    elif len(record.evaluations):
        began = float(record.evaluations[0])
        ended = float(record.evaluations[-EVALUATIONS:].mean())
        wanted = min((score.value for score in row.published.values()), default=began)
        if ended - began <= LEAST_GAIN * max(0.0, wanted - began):
            yield f"ends as it began: {CONVENTIONS['last_10']} {ended:.1f}, the untrained policy has {began:.1f}"
