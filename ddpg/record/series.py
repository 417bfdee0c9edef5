"""The values of a run over its env steps: taken from the rows of the record, smoothed, and step numbers in short."""

import numpy as np
from numpy.typing import NDArray

from ddpg.record.tracking.metrics import Row

Series = NDArray[np.float64]


def series(rows: list[Row], *keys: str) -> tuple[Series, ...]:
    """Return env_step and the values of `keys`, each [n], of the rows in which the first key is a finite number."""
    chosen = [row for row in rows if np.isfinite(row.get(keys[0], np.nan))]
    return tuple(np.array([row.get(key, np.nan) for row in chosen], dtype=np.float64) for key in ("env_step", *keys))


def moving_mean(values: Series, window: int) -> Series:
    """Return the mean of the last `window` values at each place, of fewer at the beginning. [n] -> [n]"""
    total = np.cumsum(np.concatenate([[0.0], values]))
    end = np.arange(1, len(values) + 1)
    start = np.maximum(end - window, 0)
    return np.asarray((total[end] - total[start]) / (end - start))


def short_number(value: float) -> str:
    """Write a number of steps briefly: 20000 -> 20k, 1500000 -> 1.5M."""
    for unit, letter in ((1e6, "M"), (1e3, "k")):
        if abs(value) >= unit:
            return f"{value / unit:g}{letter}"
    return f"{value:g}"
