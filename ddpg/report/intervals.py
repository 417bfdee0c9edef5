"""95 % intervals of the mean and of the interquartile mean over seeds, and how often they cover.

Percentile bootstraps are not used, because they flatter: of 3, 5 and 10 seeds with normal returns, that of the mean
covers in 74, 83 and 89 % of cases where 95 % are promised (docs/statistics.md).
"""

from collections.abc import Mapping

import numpy as np
from scipy.special import stdtrit

from ddpg.record.series import Series

#: With fewer seeds than this no interval is claimed: the points are shown alone.
ENOUGH = 3
#: With fewer seeds than this each is drawn, because no interval of so few knows the shape of their distribution.
FEW = 10
#: The share of cases that an interval promises to cover.
LEVEL = 0.95

#: In how many of 100 cases an interval covers, by the shape of the data and the number of seeds, as measured by
#: scripts/interval_coverage.py and held by tests/report/test_intervals.py.
Coverage = Mapping[str, Mapping[int, int]]
MEAN_COVERAGE: Coverage = {
    "normal returns": {3: 95, 5: 95, 10: 95, 20: 95},
    "skewed returns (log-normal, 0.75)": {3: 89, 5: 88, 10: 89, 20: 90},
    "one run in five failing (-100, else 93)": {3: 48, 5: 66, 10: 89, 20: 92},
}
IQM_COVERAGE: Coverage = {
    "normal returns": {3: 95, 5: 94, 10: 94, 20: 94},
    "skewed returns (log-normal, 0.75)": {3: 94, 5: 93, 10: 93, 20: 94},
    "one run in five failing (-100, else 93)": {3: 99, 5: 99, 10: 100, 20: 100},
}


def iqm(values: Series) -> Series:
    """Compute the interquartile mean over the seeds, [S, ...] -> [...].

    It is the mean of the middle half (Agarwal et al. 2021); with fewer than 4 seeds it is the mean of all.
    """
    cut = len(values) // 4
    return np.asarray(np.sort(values, axis=0)[cut : len(values) - cut].mean(axis=0))


def mean_interval(values: Series) -> Series | None:
    """Bound the mean over seeds by Student's t interval, [S, ...] -> [2, ...]; None with fewer than ENOUGH seeds.

        mean ± t_(n - 1) s / sqrt(n)

    with t the 97.5 % quantile of n - 1 degrees of freedom and s the standard deviation of n seeds.
    """
    seeds = len(values)
    if seeds < ENOUGH:
        return None
    half = t_quantile(seeds - 1) * values.std(axis=0, ddof=1) / np.sqrt(seeds)
    return _around(values.mean(axis=0), half)


def iqm_interval(values: Series) -> Series | None:
    """Bound the interquartile mean by Tukey and McLaughlin's t interval of a trimmed mean, [S, ...] -> [2, ...].

        iqm ± t_(h - 1) s_w sqrt((n - 1) / (h (h - 1)))

    where h of n seeds are left when a quarter is cut at each end, and s_w is the standard deviation of the values with
    those of each cut end set to the nearest that is left. With 3 seeds that is Student's interval of the mean.
    None with fewer than ENOUGH seeds.
    """
    seeds = len(values)
    if seeds < ENOUGH:
        return None
    cut = seeds // 4
    ordered = np.sort(values, axis=0)
    winsorized = np.clip(ordered, ordered[cut], ordered[seeds - cut - 1])
    left = seeds - 2 * cut
    half = t_quantile(left - 1) * winsorized.std(axis=0, ddof=1) * np.sqrt((seeds - 1) / (left * (left - 1)))
    return _around(iqm(values), half)


def t_quantile(freedom: float) -> float:
    """Return the quantile of Student's t that bounds LEVEL of it on both sides."""
    return float(stdtrit(freedom, (1 + LEVEL) / 2))


def explanation() -> str:
    """Name the interval of the mean, and say how often it covers; the table, the curves and the page show it."""
    return (
        f"95 % interval of the mean: Student's t, none with fewer than {ENOUGH} seeds. Measured, it covers the true "
        f"mean {_cases(MEAN_COVERAGE)}. No interval of few seeds sees a failure that none of them met."
    )


def iqm_explanation() -> str:
    """Name the interval of the interquartile mean, and say how often it covers."""
    return (
        "95 % interval of the IQM: Student's t for a trimmed mean (Tukey and McLaughlin). Measured, it covers the IQM "
        f"of all possible runs {_cases(IQM_COVERAGE)}. The IQM does not see what fewer than a quarter of the runs do."
    )


def _cases(coverage: Coverage) -> str:
    """Write a coverage: in 95, 95, 95, 95 % of cases (3, 5, 10, 20 seeds) with normal returns, ..."""
    counts = ", ".join(str(seeds) for seeds in next(iter(coverage.values())))
    parts = [f"{', '.join(map(str, shares.values()))} % with {shape}" for shape, shares in coverage.items()]
    return f"with {counts} seeds in {'; '.join(parts)}"


def _around(center: Series, half: Series) -> Series:
    return np.stack([center - half, center + half])
