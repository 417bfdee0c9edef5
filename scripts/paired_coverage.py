"""Prints how often the paired comparison of `ddpg-report compare` is wrong, and what a choice between two tests does.

The scores of a pair are made of two normal numbers with a correlation, and have one of the three shapes of
interval_coverage.py. docs/statistics.md has the tables.
"""

import argparse
from functools import cache, partial
from itertools import product
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.random import Generator

from ddpg.record.series import Series
from ddpg.report.compare.paired import Paired
from ddpg.report.compare.unpaired import Unpaired
from interval_coverage import ROUNDING, SHAPES, Shape, decisive_p, table

CORRELATIONS = (-0.5, 0.0, 0.5, 0.9)
ALPHA = 0.05
#: With fewer pairs than 6 no difference is significant.
PAIRS = (6, 7, 8, 10, 15, 20)
PAIRED = Paired()


class Wrong(NamedTuple):
    """The shares of samples in which a difference is found where there is none: by a test, or by either of two."""

    paired: float
    unpaired: float
    better_of_both: float


def pairs_of(shape: Shape, generator: Generator, size: tuple[int, int], correlation: float) -> tuple[Series, Series]:
    """Draw the scores [samples, pairs] of two equal configurations."""
    one = generator.normal(size=size)
    other = correlation * one + sqrt(1 - correlation**2) * generator.normal(size=size)
    return shape.of_normal(one), shape.of_normal(other)


def sign_flip_p(one: Series, other: Series) -> Series:
    """Return the p-values [samples] of the sign-flip test of scores [samples, pairs]."""
    return np.array([PAIRED.permutation(first, second).p for first, second in zip(one, other, strict=True)])


@cache
def wrong(shape: Shape, pairs: int, correlation: float, samples: int) -> Wrong:
    """Measure the false positives of two equal configurations at 5 %."""
    generator = np.random.default_rng(pairs)
    return _found(*pairs_of(shape, generator, (samples, pairs), correlation), generator)


def wrong_by_shape(shape: Shape, pairs: int, deviations: float, samples: int) -> Wrong:
    """Measure how often the means of a shape and of normal scores are found different, which are equal.

    The runs of a pair have nothing in common. Who tests whether runs can be exchanged is not wrong there; who reads a
    difference of means from it is.

    Args:
        shape: of the one configuration.
        pairs: of runs.
        deviations: of the normal scores, in deviations of the shape.
        samples: that are drawn.
    """
    generator = np.random.default_rng(pairs)
    deviation = deviations * float(shape.draw(generator, (200_000,)).std())
    normal = shape.mean + deviation * generator.normal(size=(samples, pairs))
    return _found(shape.draw(generator, (samples, pairs)), normal, generator)


def _found(one: Series, other: Series, generator: Generator) -> Wrong:
    by_pairs = sign_flip_p(one, other)
    by_all = decisive_p(one, other, generator)
    either = np.minimum(by_pairs, by_all)
    return Wrong(*(float((p_values <= ALPHA).mean()) for p_values in (by_pairs, by_all, either)))


def difference_coverage(shape: Shape, pairs: int, correlation: float, samples: int) -> float:
    """Measure how often the interval of the difference of two equal configurations covers 0."""
    one, other = pairs_of(shape, np.random.default_rng(pairs), (samples, pairs), correlation)
    found = [PAIRED.t_test(first, second) for first, second in zip(one, other, strict=True)]
    return float(np.mean([test.low - ROUNDING <= 0 <= test.high + ROUNDING for test in found if test]))


def improvement_coverage(shape: Shape, pairs: int, correlation: float, samples: int) -> float:
    """Measure how often the interval of P(improvement) covers 1/2, which is true of two equal configurations."""
    one, other = pairs_of(shape, np.random.default_rng(pairs), (samples, pairs), correlation)
    found = [PAIRED.improvement(first, second) for first, second in zip(one, other, strict=True)]
    return float(np.mean([chance.low <= 0.5 <= chance.high for chance in found]))


def power_of_sign_flips(effect: float, pairs: int, samples: int) -> float:
    """Measure in which share of samples a difference is found; `effect` is in deviations of the paired differences."""
    generator = np.random.default_rng(pairs)
    one = generator.normal(effect, size=(samples, pairs))
    return float((sign_flip_p(one, np.zeros_like(one)) <= ALPHA).mean())


def power(seeds: int, correlation: float | None) -> float:
    """Return the chance to find a difference of one deviation of the seeds, without pairs at correlation None."""
    if correlation is None:
        return Unpaired().power(1.0, seeds, seeds, ALPHA)
    return PAIRED.power(1 / sqrt(2 * (1 - correlation)), seeds, seeds, ALPHA)


def main() -> None:
    """Print a table for each figure."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--samples", type=int, default=10_000, help="drawn for each share; default: 10000")
    samples = parser.parse_args().samples
    for correlation in CORRELATIONS:
        for place, name in enumerate(Wrong._fields):
            title = f"false positives, {name.replace('_', ' ')}, correlation {correlation:g}"
            table(title, partial(_wrong, correlation=correlation, samples=samples, place=place), PAIRS)
    for name, measure in (("difference", difference_coverage), ("P(improvement)", improvement_coverage)):
        for correlation in CORRELATIONS:
            known = partial(measure, correlation=correlation, samples=samples)
            table(f"{name}, correlation {correlation:g}", known, PAIRS)
    print("\nequal means of a shape and of normal scores with its deviation, or a tenth of it")
    for deviations, shape, pairs in product((1.0, 0.1), SHAPES, PAIRS):
        print(deviations, shape.name, pairs, *wrong_by_shape(shape, pairs, deviations, samples))
    for of_seeds in (None, 0.0, 0.3, 0.5, 0.9):
        print("power", of_seeds, *(f"{100 * power(seeds, of_seeds):.0f}" for seeds in PAIRS))


def _wrong(shape: Shape, pairs: int, correlation: float, samples: int, place: int) -> float:
    return wrong(shape, pairs, correlation, samples)[place]


if __name__ == "__main__":
    main()
