"""Prints how often the intervals of reports cover, and how often the decisions of `ddpg-report compare` are wrong.

Runs of a configuration are drawn from three shapes of data: normal returns, skewed ones (log-normal, sigma 0.75), and
one run in five failing (-100, all others 93). docs/statistics.md has the table.
"""

import argparse
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from scipy.special import ndtr, ndtri

from ddpg.record.series import Series
from ddpg.report.intervals import iqm_interval, mean_interval

#: Bounds of rounding: two means that should be equal differ by less.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Shape:
    """A distribution of scores, with its true mean and interquartile mean."""

    name: str
    draw: Callable[[Generator, tuple[int, ...]], Series]
    mean: float
    iqm: float


def _log_normal(generator: Generator, size: tuple[int, ...]) -> Series:
    return generator.lognormal(0.0, SIGMA, size)


def _failing(generator: Generator, size: tuple[int, ...]) -> Series:
    return np.where(generator.random(size) < 0.2, -100.0, 93.0)


#: The deviation of a log-normal's logarithm, and its interquartile mean: 2 e^(s^2 / 2) (Phi(z - s) - Phi(-z - s)) with
#: z the third quartile of the normal distribution.
SIGMA = 0.75
QUARTILE = ndtri(0.75)
LOG_NORMAL_IQM = 2 * np.exp(SIGMA**2 / 2) * (ndtr(QUARTILE - SIGMA) - ndtr(-QUARTILE - SIGMA))

SHAPES = (
    Shape("normal returns", lambda generator, size: generator.normal(size=size), 0.0, 0.0),
    Shape("skewed returns (log-normal, 0.75)", _log_normal, float(np.exp(SIGMA**2 / 2)), float(LOG_NORMAL_IQM)),
    Shape("one run in five failing (-100, else 93)", _failing, 0.8 * 93.0 - 0.2 * 100.0, 93.0),
)


def coverage(shape: Shape, seeds: int, samples: int, interval: Callable[[Series], Series | None], true: float) -> float:
    """Measure in which share of samples an interval of so many seeds has the true value in it."""
    generator = np.random.default_rng(seeds)
    bounds = interval(shape.draw(generator, (seeds, samples)))
    assert bounds is not None
    return float(((bounds[0] <= true + ROUNDING) & (true - ROUNDING <= bounds[1])).mean())


def main() -> None:
    """Print a table for each figure, with a row for each shape of data."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--samples", type=int, default=200_000, help="drawn for each number; default: 200000")
    samples = parser.parse_args().samples
    counts = (3, 4, 5, 8, 10, 20)
    for title, interval in (("mean", mean_interval), ("IQM", iqm_interval)):
        print(f"\n95 % interval of the {title}: coverage in %\n")
        print(f"| data | {' | '.join(f'{seeds} seeds' for seeds in counts)} |\n|---|{'---|' * len(counts)}")
        for shape in SHAPES:
            true = shape.mean if interval is mean_interval else shape.iqm
            shares = [coverage(shape, seeds, samples, interval, true) for seeds in counts]
            print(f"| {shape.name} | {' | '.join(f'{100 * share:.1f}' for share in shares)} |", flush=True)


if __name__ == "__main__":
    main()
