"""The rules of population based training (Jaderberg et al. 2017): who copies whom, and how values change.

They are functions of scores, values and a generator of random numbers, and know nothing of runs.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from ddpg.search.options import PopulationOptions
from ddpg.search.space import Choice, Dimension, Number, Space, Value, rounded


def generator(seed: int, number: int) -> np.random.Generator:
    """Return the generator of a trial's draws, which depend on the study's seed and the trial's number alone."""
    return np.random.default_rng(np.random.SeedSequence(entropy=seed, spawn_key=(number,)))


def bounds(total_steps: int, generations: int, generation: int) -> tuple[int, int]:
    """Return the env steps at which a generation begins and ends."""
    return total_steps * generation // generations, total_steps * (generation + 1) // generations


def parent(
    scores: Sequence[float | None], slot: int, truncation: float, maximize: bool, rng: np.random.Generator
) -> int:
    """Return the slot of the member that a member goes on from: its own, or that of the one that it copies.

    This is truncation selection, `exploit` in the paper: a member of the worst share copies one that is drawn from the
    best share. A member that failed is among the worst, and none copies one that is not better, as where all are equal.

    Args:
        scores: of each member in the generation before; None for one that failed. Not all have failed.
        slot: the member's.
        truncation: the share, above 0 and at most 0.5.
        maximize: whether a large score is a good one.
        rng: of the trial.
    """
    good = [-math.inf if score is None else (score if maximize else -score) for score in scores]
    order = sorted(range(len(scores)), key=lambda one: (-good[one], one))
    share = min(math.ceil(truncation * len(scores) - 1e-9), len(scores) // 2)
    if slot not in order[-share:] and scores[slot] is not None:
        return slot
    better = [one for one in order[:share] if good[one] > good[slot]]
    return better[rng.integers(len(better))] if better else slot


def first_values(space: Space, rng: np.random.Generator) -> dict[str, Value]:
    """Draw a value for each key that is part of a member."""
    values: dict[str, Value] = {}
    for dimension in space.dimensions:
        if space.is_active(dimension.key, values):
            values[dimension.key] = draw(dimension, rng)
    return values


def explored(
    space: Space,
    values: Mapping[str, Value],
    options: PopulationOptions,
    rng: np.random.Generator,
) -> dict[str, Value]:
    """Return the values of a member that copies another: `explore` in the paper.

    A number is multiplied by one of the factors `perturb`, or with the probability `resample` drawn anew. A choice
    stays, or is drawn anew with that probability.

    Args:
        space: of the study.
        values: of the member that is copied.
        options: of the study; keys that are `inherited` stay as they are.
        rng: of the trial.
    """
    found: dict[str, Value] = {}
    for dimension in space.dimensions:
        key = dimension.key
        if not space.is_active(key, found):
            continue
        if key not in values:
            found[key] = draw(dimension, rng)
        else:
            is_inherited = key in options.inherited
            found[key] = values[key] if is_inherited else _explored(dimension, values[key], options, rng)
    return found


def _explored(dimension: Dimension, value: Value, options: PopulationOptions, rng: np.random.Generator) -> Value:
    if rng.random() < options.resample:
        return draw(dimension, rng)
    if isinstance(dimension, Choice):
        return value
    assert not isinstance(value, str)
    return perturbed(dimension, value, options.perturb[int(rng.integers(len(options.perturb)))])


def perturbed(number: Number, value: float, factor: float) -> int | float:
    """Multiply a value, within its bounds.

    Where values have a distance, the result is the next one outwards: a small whole number would stay as it is
    otherwise, or could go down alone, and 0 would stay for ever.
    """
    moved = value * factor
    step = _distance(number)
    if factor == 1:
        return value
    if step is None:
        return rounded(min(max(moved, number.low), number.high), number)
    up = moved > value or (moved == value and factor > 1)
    steps = (moved - number.low) / step
    place = math.ceil(steps - 1e-9) if up else math.floor(steps + 1e-9)
    before = round((value - number.low) / step)
    return _at(number, max(place, before + 1) if up else min(place, before - 1))


def draw(dimension: Dimension, rng: np.random.Generator) -> Value:
    """Draw a value: each option is equally likely, of numbers equal differences are, or equal ratios with `log`."""
    if isinstance(dimension, Choice):
        return dimension.options[rng.integers(len(dimension.options))]
    if dimension.log:
        drawn = math.exp(rng.uniform(math.log(dimension.low), math.log(dimension.high)))
        return round(drawn) if dimension.whole else rounded(drawn, dimension)
    step = _distance(dimension)
    if step is None:
        return rounded(rng.uniform(dimension.low, dimension.high), dimension)
    return _at(dimension, int(rng.integers(_last(dimension, step) + 1)))


def _distance(number: Number) -> float | None:
    """Return the distance of two values; None for all numbers between the bounds."""
    return number.step or (1 if number.whole else None)


def _last(number: Number, step: float) -> int:
    return round((number.high - number.low) / step)


def _at(number: Number, place: int) -> int | float:
    """Return a value by its place, or the one at the end of the interval that is nearest to it."""
    step = _distance(number)
    assert step is not None
    value = number.low + step * min(max(place, 0), _last(number, step))
    return round(value) if number.whole else value
