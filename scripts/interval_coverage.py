"""Prints how often the intervals of reports cover, and how often the decisions of `ddpg-report compare` are wrong.

Runs of a configuration are drawn from three shapes of data: normal returns, skewed ones (log-normal, sigma 0.75), and
one run in five failing (-100, all others 93). docs/statistics.md has the table.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import comb

import numpy as np
from numpy.random import Generator
from scipy.special import ndtr, ndtri

from ddpg.record.series import Series
from ddpg.report.compare.difference import divisions, drawn_divisions, p_value, permutation_p, welch
from ddpg.report.compare.improvement import bounds
from ddpg.report.compare.overall import THRESHOLDS, Estimate, optimality_gap, overall_iqm, overall_mean, profile
from ddpg.report.intervals import iqm_interval, mean_interval

#: Bounds of rounding: two means that should be equal differ by less.
ROUNDING = 1e-9
#: Samples that are tested together, and divisions that are drawn for them.
BLOCK = 1000
COUNTS = (3, 4, 5, 8, 10, 20)


@dataclass(frozen=True)
class Shape:
    """A distribution of scores as a function of standard normal numbers, with its true mean and interquartile mean."""

    name: str
    of_normal: Callable[[Series], Series]
    mean: float
    iqm: float

    def draw(self, generator: Generator, size: tuple[int, ...]) -> Series:
        """Draw independent scores."""
        return self.of_normal(generator.normal(size=size))


#: The deviation of a log-normal's logarithm, and its interquartile mean: 2 e^(s^2 / 2) (Phi(z - s) - Phi(-z - s)) with
#: z the third quartile of the normal distribution.
SIGMA = 0.75
QUARTILE = ndtri(0.75)
LOG_NORMAL_IQM = 2 * np.exp(SIGMA**2 / 2) * (ndtr(QUARTILE - SIGMA) - ndtr(-QUARTILE - SIGMA))

SHAPES = (
    Shape("normal returns", np.asarray, 0.0, 0.0),
    Shape(
        name="skewed returns (log-normal, 0.75)",
        of_normal=lambda drawn: np.exp(SIGMA * drawn),
        mean=float(np.exp(SIGMA**2 / 2)),
        iqm=float(LOG_NORMAL_IQM),
    ),
    Shape(
        name="one run in five failing (-100, else 93)",
        of_normal=lambda drawn: np.where(ndtr(drawn) < 0.2, -100.0, 93.0),
        mean=0.8 * 93.0 - 0.2 * 100.0,
        iqm=93.0,
    ),
)


def coverage(shape: Shape, seeds: int, samples: int, interval: Callable[[Series], Series | None], true: float) -> float:
    """Measure in which share of samples an interval of so many seeds has the true value in it."""
    generator = np.random.default_rng(seeds)
    bounds = interval(shape.draw(generator, (seeds, samples)))
    assert bounds is not None
    return float(((bounds[0] <= true + ROUNDING) & (true - ROUNDING <= bounds[1])).mean())


def false_positives(shape: Shape, first: int, second: int, samples: int, alpha: float = 0.05) -> float:
    """Measure in which share of samples `ddpg-report compare` finds a difference where there is none.

    Where the divisions of the seeds are too many to be all tried here, other ones are drawn for every 1000 samples.
    """
    generator = np.random.default_rng([first, second])
    found = 0
    for start in range(0, samples, BLOCK):
        count = min(BLOCK, samples - start)
        one = shape.draw(generator, (count, first))
        other = shape.draw(generator, (count, second))
        found += int((decisive_p(one, other, generator) <= alpha).sum())
    return found / samples


def decisive_p(one: Series, other: Series, generator: Generator) -> Series:
    """Return the p-values [samples] by which is decided, of scores [samples, seeds] of two configurations."""
    sizes = one.shape[1], other.shape[1]
    chosen = divisions(*sizes)[0] if comb(sum(sizes), sizes[0]) <= BLOCK else drawn_divisions(*sizes, BLOCK, generator)
    permutation = permutation_p(one, other, chosen)
    if sizes[0] == sizes[1]:
        return permutation
    pairs = zip(one, other, permutation, strict=True)
    return np.array([p_value(a, b, float(p), by_welch.p) for a, b, p in pairs if (by_welch := welch(a, b))])


def errors_of_spread(samples: int, alpha: float = 0.05) -> tuple[float, float]:
    """Measure the false positives of 10 scores of deviation 1 and 5 of deviation 3, around the same mean.

    Returns:
        The share of the permutation test alone, and that of the decision.
    """
    generator = np.random.default_rng(0)
    one = generator.normal(size=(samples, 10))
    other = 3 * generator.normal(size=(samples, 5))
    alone = permutation_p(one, other, divisions(10, 5)[0])
    return float((alone <= alpha).mean()), float((decisive_p(one, other, generator) <= alpha).mean())


def power_of_test(effect: float, seeds: int, samples: int, alpha: float = 0.05) -> float:
    """Measure in which share of samples a difference of normal scores is found; `effect` is in their deviations."""
    generator = np.random.default_rng(seeds)
    one = generator.normal(size=(samples, seeds))
    other = generator.normal(effect, size=(samples, seeds))
    return float((decisive_p(one, other, generator) <= alpha).mean())


def improvement_coverage(shape: Shape, seeds: int, samples: int) -> float:
    """Measure how often the interval of P(improvement) covers 1/2, which is true of two equal configurations."""
    generator = np.random.default_rng(seeds)
    one = shape.draw(generator, (samples, seeds))
    other = shape.draw(generator, (samples, seeds))
    wins = ((np.sign(one[:, :, None] - other[:, None, :]) + 1) / 2).mean(axis=(1, 2))
    values, counts = np.unique(np.round(wins, 9), return_counts=True)
    covers = [low <= 0.5 <= high for low, high in (bounds(float(value), seeds, seeds) for value in values)]
    return float(np.average(covers, weights=counts))


def overall_coverage(
    shape: Shape, seeds: int, samples: int, estimate: Callable[[Sequence[Series]], Estimate], environments: int = 5
) -> float:
    """Measure how often an interval over environments covers; their scores lie at different places of 0 to 1."""
    places = np.linspace(0.2, 0.8, environments)
    generator = np.random.default_rng(seeds)
    spread = float(shape.draw(generator, (200_000,)).std())

    def scores(count: int) -> list[Series]:
        return [place + 0.15 * (shape.draw(generator, (count,)) - shape.mean) / spread for place in places]

    true = estimate(scores(100_000)).value
    found = [estimate(scores(seeds)) for _ in range(samples)]
    return float(np.mean([one.low - ROUNDING <= true <= one.high + ROUNDING for one in found]))


def profile_coverage(seeds: int, samples: int) -> Series:
    """Measure how often the band of a profile covers at normalized scores of 0.1, 0.3, 0.5, 0.7 and 0.95.

    The scores of 3 environments are uniform, over 0 to 1, 0 to 0.5 and 0.5 to 1.
    """
    generator = np.random.default_rng(seeds)
    lows = np.array([0.0, 0.0, 0.5])
    widths = np.array([1.0, 0.5, 0.5])
    places = [10, 30, 50, 70, 95]
    true = 1 - np.clip((THRESHOLDS[places, None] - lows) / widths, 0, 1).mean(axis=1)
    covers = []
    for _ in range(samples):
        found = profile(list(lows[:, None] + widths[:, None] * generator.random((3, seeds))))
        covers.append((found.low[places] <= true + ROUNDING) & (true - ROUNDING <= found.high[places]))
    return np.asarray(np.mean(covers, axis=0))


def main() -> None:
    """Print a table for each figure, with a row for each shape of data."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--samples", type=int, default=200_000, help="drawn for each interval; default: 200000")
    samples = parser.parse_args().samples
    tests = samples // 10
    some = samples // 40
    table("95 % interval of the mean", lambda shape, n: coverage(shape, n, samples, mean_interval, shape.mean))
    table("95 % interval of the IQM", lambda shape, n: coverage(shape, n, samples, iqm_interval, shape.iqm))
    table("P(improvement) of two equal configurations", lambda shape, n: improvement_coverage(shape, n, tests))
    table("mean over 5 environments", lambda shape, n: overall_coverage(shape, n, some, overall_mean))
    table("IQM over 2 environments", lambda shape, n: overall_coverage(shape, n, some, overall_iqm, environments=2))
    table("IQM over 5 environments", lambda shape, n: overall_coverage(shape, n, some, overall_iqm))
    table("optimality gap over 5 environments", lambda shape, n: overall_coverage(shape, n, some, optimality_gap))
    for seeds in COUNTS:
        print(f"band of a profile, {seeds} seeds: ", np.round(100 * profile_coverage(seeds, some), 1))
    table("false positives of compare", lambda shape, n: false_positives(shape, n, n, tests))
    print("\n10 scores of deviation 1 and 5 of deviation 3: ", errors_of_spread(some))
    table("the same with 2 seeds more of one", lambda shape, n: false_positives(shape, n, n + 2, some))


def table(title: str, measure: Callable[[Shape, int], float], counts: Sequence[int] = COUNTS) -> None:
    """Print the table of a figure, in %, for each shape of data and number of seeds."""
    header = " | ".join(f"{seeds} seeds" for seeds in counts)
    print(f"\n| {title} | {header} |\n|---|{'---|' * len(counts)}")
    for shape in SHAPES:
        shares = [measure(shape, seeds) for seeds in counts]
        print(f"| {shape.name} | {' | '.join(f'{100 * share:.1f}' for share in shares)} |", flush=True)


if __name__ == "__main__":
    main()
