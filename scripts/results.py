"""Prints the tables of docs/results and draws its pictures, from the records in docs/results/data.

A record is the metrics.jsonl (gzip) of a run as `PROGRAM_ENV_SEED.jsonl.gz`. The evaluations of another program are
written in the same rows: {"env_step": ..., "eval/episodic_return": ...}.
"""

import argparse
import gzip
import json
import re
from collections import defaultdict
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from ddpg.record.series import moving_mean, series

RESULTS = Path(__file__).parent.parent / "docs" / "results"
COLORS = {
    "ddpg": "#1f5fbf", "sfujim": "#c8601c", "adi3e08": "#c8601c", "keras": "#2a8a5f", "sb3": "#1f5fbf",
    "d4pg": "#8a4fbf", "gaussian": "#8a8f98", "ou": "#c8601c", "ouwide": "#1f5fbf", "parameter": "#2a8a5f",
}  # fmt: skip
LAST = 5  # evaluations that are averaged

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
Key = tuple[str, str]  # environment, program


def main() -> None:
    """Print the table and draw one picture for each environment."""
    argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0]).parse_args()
    curves = read_curves()
    print("| environment | program | seeds | steps | last evaluation | last 5 evaluations | best of the mean curve |")
    print("|---|---|---|---|---|---|---|")
    for (environment, program), seeds in sorted(curves.items()):
        print(row(environment, program, seeds))
    print_solved(curves, "mountaincar", threshold=90)
    print_training_means("keras", "pendulum", after=(50, 60, 80, 99))
    for environment in sorted({environment for environment, _ in curves}):
        draw(environment, {program: seeds for (env, program), seeds in curves.items() if env == environment})


def read_curves() -> dict[Key, dict[int, Curve]]:
    """Read the curve of each record, by environment and program, then by seed."""
    curves: dict[Key, dict[int, Curve]] = defaultdict(dict)
    for path in sorted((RESULTS / "data").glob("*.jsonl.gz")):
        match = re.fullmatch(r"([a-z0-9]+)_(.+)_(\d+)\.jsonl\.gz", path.name)
        assert match, f"{path.name} is not PROGRAM_ENV_SEED.jsonl.gz"
        program, environment, seed = match.groups()
        curves[environment, program][int(seed)] = evaluations(path)
    return curves


def evaluations(path: Path) -> Curve:
    """Return the env steps of a run's evaluations and their mean returns."""
    steps, returns = series(rows(path), "eval/episodic_return")
    return steps, returns


def rows(path: Path) -> list[dict[str, Any]]:
    """Read all rows of a record."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def row(environment: str, program: str, seeds: dict[int, Curve]) -> str:
    """Write a line of the table; the spread is the standard deviation over seeds."""
    returns = np.array([values for _, values in seeds.values()])
    steps = int(next(iter(seeds.values()))[0][-1])
    last = returns[:, -1]
    tail = returns[:, -LAST:].mean(axis=1)
    best = returns.mean(axis=0).max()
    return (
        f"| {environment} | {program} | {', '.join(map(str, seeds))} | {steps:,} "
        f"| {spread(last)} | {spread(tail)} | {best:.1f} |"
    )


def print_solved(curves: dict[Key, dict[int, Curve]], environment: str, threshold: float) -> None:
    """Print how many seeds end above the threshold, and when an evaluation of each first was."""
    print(f"\n{environment}: last evaluation above {threshold:g}")
    for program, seeds in sorted((program, seeds) for (env, program), seeds in curves.items() if env == environment):
        ends = {seed: values[-1] for seed, (_, values) in seeds.items()}
        first = [int(steps[values > threshold][0]) for steps, values in seeds.values() if (values > threshold).any()]
        solved = sum(end > threshold for end in ends.values())
        returns = ", ".join(f"{end:.1f}" for _, end in sorted(ends.items()))
        print(
            f"| {program} | {solved} of {len(ends)} | {returns} | {', '.join(f'{step:,}' for step in sorted(first))} |"
        )


def print_training_means(program: str, environment: str, after: tuple[int, ...]) -> None:
    """Print the mean return of the last 40 training episodes, as the Keras example does, after some (from 0)."""
    runs = []
    for path in sorted((RESULTS / "data").glob(f"{program}_{environment}_*.jsonl.gz")):
        _, returns = series(rows(path), "charts/episodic_return")
        runs.append(moving_mean(returns, 40)[list(after)])
    if runs:
        print(f"\n{program}, {environment}: mean of the last 40 training episodes after episode {after}")
        print("| " + " | ".join(spread(column) for column in np.array(runs).T) + " |")


def spread(values: NDArray[np.float64]) -> str:
    """Write mean and standard deviation, or the value of the only seed."""
    return f"{values.mean():.1f} ± {values.std():.1f}" if len(values) > 1 else f"{values[0]:.1f}"


def draw(environment: str, programs: dict[str, dict[int, Curve]]) -> None:
    """Draw the mean over seeds, and each seed as a thin line."""
    figure = Figure(figsize=(7, 4), dpi=130, layout="constrained")
    axes = figure.add_subplot()
    styles = cycle(["-", "--", ":", "-."])  # lines that lie on each other stay visible
    for (program, seeds), style in zip(sorted(programs.items()), styles, strict=False):
        color = COLORS[program]
        for steps, values in seeds.values():
            axes.plot(steps, values, color=color, linewidth=0.8, alpha=0.4)
        steps = next(iter(seeds.values()))[0]
        mean = np.mean([values for _, values in seeds.values()], axis=0)
        label = f"{program}, {len(seeds)} seed{'s' * (len(seeds) > 1)}"
        axes.plot(steps, mean, style, color=color, linewidth=2.2, label=label)
    axes.set(title=environment, xlabel="environment steps", ylabel="evaluation return (10 noise-free episodes)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6e6e6")
    axes.legend(frameon=False)
    figure.savefig(RESULTS / f"{environment}.png")


if __name__ == "__main__":
    main()
