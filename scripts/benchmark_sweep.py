"""The costs of sweeps: `scripts/benchmark_sweep.py`.

The parallel part trains HalfCheetah-v4, one run alone and then several at a time, in turns; by default one on every
core, as the local launcher does. It reports medians of the steps per second, once the runs learn. The part about scale
reports the seconds to compose and check many runs, to write their folders, to submit them if there is a Slurm (as held
jobs, which are cancelled again), and of `ddpg-sweep status` as a process. If the machine does other things as well,
only ratios mean much.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from itertools import product
from pathlib import Path
from typing import Any

import hydra
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode
from omegaconf import DictConfig

from ddpg.interrupt import InterruptFlag
from ddpg.record.tracking import read_metrics
from ddpg.sweep import slurm
from ddpg.sweep.execute.cores import usable
from ddpg.sweep.execute.pool import Pool
from ddpg.sweep.execute.submit import submit
from ddpg.sweep.freeze import FrozenRun, compose, freeze
from ddpg.sweep.launch import checked_options
from ddpg.sweep.options import SlurmOptions
from ddpg.sweep.state.folder import SweepFolder

LEARNING_STARTS = 1000


def composed(path: Path, jobs: Sequence[Sequence[str]], *words: str) -> list[FrozenRun]:
    """Return the runs of a sweep in that folder, which are not written yet."""
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        config: DictConfig = loader.load_configuration("config", [f"hydra.sweep.dir={path}", *words], RunMode.MULTIRUN)
        return compose(config, loader, jobs, 0)


def launcher() -> SlurmOptions:
    """Return options of hydra/launcher=slurm for jobs that never start."""
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        config = hydra.compose("config", ["hydra/launcher=slurm"], return_hydra_config=True)
    chosen = checked_options(config)
    assert isinstance(chosen, SlurmOptions)
    return replace(chosen, mem_gb=1, additional_parameters={"hold": True})


def speed(runs: Sequence[FrozenRun]) -> list[float]:
    """Return the steps per second of each run while it learns."""
    learning = [
        [row["charts/SPS"] for row in rows if row["env_step"] > 2 * LEARNING_STARTS and "charts/SPS" in row]
        for rows in (read_metrics(run.path / "metrics.jsonl") for run in runs)
    ]
    return [statistics.median(speeds) for speeds in learning]


def together(count: int, steps: int) -> float:
    """Return the median of the steps per second of `count` runs at a time."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["env=halfcheetah", "logger=silent", f"random_steps={LEARNING_STARTS}", "eval.every=1000000"]
        words += [f"learning_starts={LEARNING_STARTS}", f"total_steps={2 * LEARNING_STARTS + steps}"]
        words += ["logger.every=500", "eval.episodes=1"]
        runs = composed(Path(folder), [[*words, f"seed={seed}"] for seed in range(count)])
        sweep = SweepFolder(Path(folder))
        freeze(sweep, runs, (), {"launcher": {}, "threads": 1})
        Pool(count, 1, Path.cwd()).train(sweep.runs, InterruptFlag())
        return statistics.median(speed(runs))


def parallel(turns: int, steps: int, counts: Sequence[int]) -> list[dict[str, float]]:
    """Time one run alone and several at a time, in turns; `ratio` is the median speed of each over that of one."""
    found = [[together(count, steps) for count in (1, *counts)] for _ in range(turns)]
    alone, *each = (statistics.median(column) for column in zip(*found, strict=True))
    ratios = [statistics.median(turn[i] / turn[0] for turn in found) for i in range(1, len(counts) + 1)]
    return [
        {"runs": count, "steps_per_s_alone": alone, "steps_per_s_each": speeds, "ratio": ratio}
        for count, speeds, ratio in zip(counts, each, ratios, strict=True)
    ]


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return the seconds of the work, and its result."""
    start = time.monotonic()
    result = work()
    return time.monotonic() - start, result


def scale(count: int) -> dict[str, float | None]:
    """Time the composition, submission and table of `count` runs: two environments, two presets, seeds."""
    with tempfile.TemporaryDirectory() as folder:
        sweep = SweepFolder(Path(folder))
        groups = product(("env=hopper", "env=walker2d"), ("preset=paper", "preset=td3"), range(count // 4))
        jobs = [[env, preset, f"seed={seed}"] for env, preset, seed in groups]
        freezing, runs = timed(lambda: composed(sweep.path, jobs))
        chosen = launcher()
        writing, _ = timed(lambda: freeze(sweep, runs, (), {"launcher": asdict(chosen), "threads": 1}))
        submitting = None
        if shutil.which("sbatch") and slurm.queue() is not None:
            submitting, jobs_there = timed(lambda: submit(sweep, range(len(runs)), chosen))
            slurm.cancel(sorted({job.partition("_")[0] for job in jobs_there}))
        words = [sys.executable, "-c", "from ddpg.commands.sweep import sweep; sweep()", "status", str(sweep.path)]
        looking, _ = timed(lambda: subprocess.run(words, check=True, stdout=subprocess.DEVNULL))
    return {
        "runs": len(runs), "compose_s": freezing, "write_s": writing, "submit_s": submitting, "status_s": looking,
    }  # fmt: skip


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--turns", type=int, default=5, help="of the parallel part; 0: without it")
    parser.add_argument("--steps", type=int, default=4000, help="env steps of each run that are timed")
    parser.add_argument("--parallel", type=int, nargs="+", default=[len(usable())], help="runs at a time in it")
    parser.add_argument("--runs", type=int, nargs="*", default=[2000], help="of the part about scale")
    parser.add_argument("--json", action="store_true", help="print JSON")
    chosen = parser.parse_args()
    os.environ.setdefault("WANDB_MODE", "disabled")
    found: dict[str, Any] = {"scale": [scale(count) for count in chosen.runs]}
    if chosen.turns:
        found["parallel"] = parallel(chosen.turns, chosen.steps, chosen.parallel)
    if chosen.json:
        print(json.dumps(found, indent=1))
        return
    for row in [*found["scale"], *found.get("parallel", [])]:
        print("  ".join(f"{name}={value:.4g}" for name, value in row.items() if value is not None))


if __name__ == "__main__":
    main()
