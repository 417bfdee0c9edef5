"""The tables and pictures of docs/results, made anew from the records in docs/results/data.

A record is a run's metrics.jsonl (gzip) as `PROGRAM_ENV_SEED.jsonl.gz`. Another program's evaluations are brought into
the same rows: {"env_step": ..., "eval/episodic_return": ...}.
"""

import gzip
import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

RESULTS = Path(__file__).parent.parent / "docs" / "results"
COLORS = {"ddpg": "#1f5fbf", "sfujim": "#c8601c"}
LAST = 5  # evaluations that "last 5" averages

Curve = tuple[NDArray[np.float64], NDArray[np.float64]]
Key = tuple[str, str]  # environment, program


def main() -> None:
    """Prints the table and draws one picture for each environment."""
    curves = read_curves()
    print("| environment | program | seeds | steps | last evaluation | last 5 evaluations | best of the mean curve |")
    print("|---|---|---|---|---|---|---|")
    for (environment, program), seeds in sorted(curves.items()):
        print(row(environment, program, seeds))
    for environment in sorted({environment for environment, _ in curves}):
        draw(environment, {program: seeds for (env, program), seeds in curves.items() if env == environment})


def read_curves() -> dict[Key, dict[int, Curve]]:
    """Evaluation steps and mean returns of every record, by environment and program, then by seed."""
    curves: dict[Key, dict[int, Curve]] = defaultdict(dict)
    for path in sorted((RESULTS / "data").glob("*.jsonl.gz")):
        match = re.fullmatch(r"([a-z0-9]+)_(.+)_(\d+)\.jsonl\.gz", path.name)
        assert match, f"{path.name} is not PROGRAM_ENV_SEED.jsonl.gz"
        program, environment, seed = match.groups()
        curves[environment, program][int(seed)] = evaluations(path)
    return curves


def evaluations(path: Path) -> Curve:
    """Where the run was evaluated, and the mean return there."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows: list[dict[str, Any]] = [json.loads(line) for line in file]
    rows = [row for row in rows if "eval/episodic_return" in row]
    return np.array([r["env_step"] for r in rows]), np.array([r["eval/episodic_return"] for r in rows])


def row(environment: str, program: str, seeds: dict[int, Curve]) -> str:
    """One line of the table; +- is the standard deviation over seeds."""
    returns = np.array([values for _, values in seeds.values()])
    steps = int(next(iter(seeds.values()))[0][-1])
    last, tail, best = returns[:, -1], returns[:, -LAST:].mean(axis=1), returns.mean(axis=0).max()
    return (
        f"| {environment} | {program} | {', '.join(map(str, seeds))} | {steps:,} "
        f"| {spread(last)} | {spread(tail)} | {best:.1f} |"
    )


def spread(values: NDArray[np.float64]) -> str:
    """Mean and standard deviation; of one seed there is no spread to speak of."""
    return f"{values.mean():.1f} ± {values.std():.1f}" if len(values) > 1 else f"{values[0]:.1f}"


def draw(environment: str, programs: dict[str, dict[int, Curve]]) -> None:
    """Mean over seeds, and every seed as a thin line."""
    figure = Figure(figsize=(7, 4), dpi=130, layout="constrained")
    axes = figure.add_subplot()
    for program, seeds in sorted(programs.items()):
        color = COLORS[program]
        for steps, values in seeds.values():
            axes.plot(steps, values, color=color, linewidth=0.8, alpha=0.4)
        steps, mean = next(iter(seeds.values()))[0], np.mean([values for _, values in seeds.values()], axis=0)
        axes.plot(steps, mean, color=color, linewidth=2.2, label=f"{program}, mean of {len(seeds)} seeds")
    axes.set(title=environment, xlabel="environment steps", ylabel="evaluation return (10 noise-free episodes)")
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6e6e6")
    axes.legend(frameon=False)
    figure.savefig(RESULTS / f"{environment}.png")


if __name__ == "__main__":
    main()
