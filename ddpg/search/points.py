"""The points of a space that has an end of them: every combination of choices, ranges and whole numbers."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice

from ddpg.search.space import Choice, Dimension, Number, Space, Value


def values_of(dimension: Dimension) -> Sequence[Value] | None:
    """Return all values of a key in order; None for an interval, of which there is no end."""
    if isinstance(dimension, Choice):
        return dimension.options
    if dimension.whole:
        return range(int(dimension.low), int(dimension.high) + 1, int(dimension.step or 1))
    if dimension.step is None:
        return [dimension.low] if dimension.low == dimension.high else None
    last = round((dimension.high - dimension.low) / dimension.step)
    return [stepped(dimension.low + dimension.step * place, dimension) for place in range(last + 1)]


def stepped(value: float, dimension: Number) -> float:
    """Return the value of a range that is nearest to a number, always in the same bits."""
    assert dimension.step is not None
    place = round((value - dimension.low) / dimension.step)
    return min(dimension.low + dimension.step * place, dimension.high)


def is_finite(space: Space) -> bool:
    """Whether there is an end of the points."""
    return all(values_of(dimension) is not None for dimension in space.dimensions)


def points(space: Space) -> Iterator[Mapping[str, Value]]:
    """Yield every point of a finite space once: the value of each key that is part of a trial there."""
    return _points(space, {}, 0)


def _points(space: Space, values: Mapping[str, Value], first: int) -> Iterator[Mapping[str, Value]]:
    """Yield the points that have these values of the keys before the dimension `first`."""
    if first == len(space.dimensions):
        yield values
        return
    dimension = space.dimensions[first]
    if not space.is_active(dimension.key, values):
        yield from _points(space, values, first + 1)
        return
    for value in values_of(dimension) or ():
        yield from _points(space, {**values, dimension.key: value}, first + 1)


def count(space: Space, most: int) -> int:
    """Count the points, up to `most`."""
    return sum(1 for _ in islice(points(space), most)) if is_finite(space) else most
