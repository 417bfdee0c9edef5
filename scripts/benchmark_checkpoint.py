"""Measures the cost of exact resume.

The task is HalfCheetah-v4 with a full and wrapping replay buffer of a million transitions, uniform and prioritized.
Measured are the snapshots in memory (in the worst case, short episodes, one for each 200 steps) and the checkpoint of
each `checkpoint.every` steps, beside the time of training for as many steps; the time from SIGTERM to the end of the
process; and the time to load a checkpoint. One torch thread runs on one core. On a machine that does other things,
believe the fractions of CPU time: they leave out the waits for the core and for the disk, a few milliseconds for each
of the nine files and folders of a checkpoint.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ["OMP_NUM_THREADS"] = "1"  # read when torch is imported

import hydra
import numpy as np
import torch
from omegaconf import DictConfig, OmegaConf

from ddpg.config.settings import check
from ddpg.interrupt import InterruptFlag
from ddpg.record.run_folder import RunFolder
from ddpg.record.tracking import Tracker, read_metrics
from ddpg.run.build import build_trainer
from ddpg.run.kernels import accelerate
from ddpg.training.trainer import SNAPSHOT_EVERY, Trainer
from measure.programs import TRAIN

SIZE = 1_000_000  # transitions that the replay buffer holds
SEEN = 1_200_000  # transitions that were added to it
EPISODE = 1000  # env steps
ROWS = 3  # rows of the record, 250 env steps apart, before the signal


def config(replay: str) -> DictConfig:
    """Compose the config of a run that continues at env step SEEN."""
    words = [
        "env=halfcheetah", "preset=td3", f"replay={replay}", f"buffer_size={SIZE}", "device=cpu", "logger=silent",
        "logger.every=250", "total_steps=3000000", "eval.every=3000000",
    ]  # fmt: skip
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        return check(hydra.compose("config", words))


def trainer_in(folder: Path, cfg: DictConfig) -> Trainer:
    """Build the trainer of a run folder."""
    run_folder = RunFolder(folder)
    trainer = build_trainer(cfg, run_folder, Tracker(run_folder.metrics, []), InterruptFlag())
    accelerate(cfg, trainer.agent, trainer.replay, torch.device("cpu"))
    return trainer


def add_transitions(trainer: Trainer, count: int, rng: np.random.Generator) -> None:
    """Add the transitions of `count` steps in whole episodes."""
    replay = trainer.replay
    ends = np.arange(count) % EPISODE == EPISODE - 1
    replay.restore(replay.total, {
        "obs": rng.standard_normal((count, *replay.obs.shape[1:]), np.float32),
        "action": rng.standard_normal((count, replay.action.shape[1]), np.float32),
        "reward": rng.standard_normal(count, np.float32), "terminated": np.zeros(count, np.float32), "ends": ends,
        "final_obs": rng.standard_normal((int(ends.sum()), *replay.obs.shape[1:]), np.float32),
    })  # fmt: skip
    trainer.progress.env_step = replay.total


@dataclass(frozen=True)
class Cost:
    """Seconds by the clock and of the processor."""

    wall: float
    cpu: float

    @classmethod
    def of(cls, work: Callable[[], Any]) -> "Cost":
        """Measure a call."""
        wall = time.perf_counter()
        cpu = time.process_time()
        work()
        return cls(time.perf_counter() - wall, time.process_time() - cpu)

    @classmethod
    def median(cls, costs: Sequence["Cost"]) -> "Cost":
        """Return the medians of both."""
        return cls(statistics.median(c.wall for c in costs), statistics.median(c.cpu for c in costs))


def measure(replay: str, repeats: int) -> dict[str, float]:
    """Return the figures of one kind of replay buffer."""
    cfg = config(replay)
    rng = np.random.default_rng(0)
    every = cfg.checkpoint.every
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name)
        (folder / "config.yaml").write_text(OmegaConf.to_yaml(cfg), encoding="utf-8")
        trainer = trainer_in(folder, cfg)
        begin(trainer, rng)
        saves = costs_of_saving(trainer, rng, SEEN + repeats * every, every)[-repeats:]
        snapshot = Cost.median([Cost.of(lambda: snapshot_of(trainer)) for _ in range(20)])
        training = Cost.median([Cost.of(trainer._run_episode) for _ in range(3)])
        trainer.environments.close()
        signal_s = stopped(folder)
        load = Cost.of(trainer_in(folder, cfg).snapshots.resume)
        on_disk = sum(path.stat().st_size for path in (folder / "checkpoint").iterdir())
    figures = {
        "snapshot_s": snapshot.wall, "save_s": Cost.median(saves).wall,
        "slowest_save_s": max(cost.wall for cost in saves), "training_s": training.wall * every / EPISODE,
        "signal_s": signal_s, "load_s": load.wall, "on_disk_mb": on_disk / 1e6,
    }  # fmt: skip
    return figures | fractions(Cost.median(saves), snapshot, training, every)


def costs_of_saving(trainer: Trainer, rng: np.random.Generator, until: int, every: int) -> list[Cost]:
    """Save a checkpoint after each `every` transitions up to env step `until`."""
    costs = []
    while trainer.progress.env_step < until:
        add_transitions(trainer, every, rng)
        trainer.replay.sample(1)  # enters them into the tree of priorities
        costs.append(Cost.of(lambda: checkpoint_of(trainer)))
    return costs


def fractions(save: Cost, snapshot: Cost, training: Cost, every: int) -> dict[str, float]:
    """Return the cost of a checkpoint and its snapshots as fractions of the training of `every` env steps."""
    found = {}
    for episodes, length in (("episodes_of_1000", EPISODE), ("short_episodes", SNAPSHOT_EVERY)):
        for clock in ("wall", "cpu"):
            cost = getattr(save, clock) + every / length * getattr(snapshot, clock)
            found[f"{clock}_fraction_{episodes}"] = cost / (getattr(training, clock) * every / EPISODE)
    return found


def begin(trainer: Trainer, rng: np.random.Generator) -> None:
    """Do an update, because the optimizers have no state before it."""
    trainer.tracker.rewind(None)
    add_transitions(trainer, 10 * EPISODE, rng)
    step = trainer.agent.update(trainer.replay.sample(256))
    trainer.replay.update_priorities(step.td_error)


def checkpoint_of(trainer: Trainer) -> None:
    """Take a snapshot and write it."""
    trainer.snapshots.take()
    trainer.snapshots.save()


def snapshot_of(trainer: Trainer) -> None:
    """Do the work of `Trainer._between_episodes` every SNAPSHOT_EVERY steps."""
    trainer._require_finite_weights()
    trainer.snapshots.take()


def stopped(folder: Path) -> float:
    """Return the seconds from SIGTERM to the end of a process that continues the run in the folder."""
    command = [*TRAIN, f"resume={folder}"]
    before = len(read_metrics(folder / "metrics.jsonl"))
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while len(read_metrics(folder / "metrics.jsonl")) < before + ROWS:
            if process.poll() is not None:
                raise RuntimeError(f"the run ended with {process.returncode}")
            time.sleep(0.1)
        process.send_signal(signal.SIGTERM)
        ending = Cost.of(process.wait)
    assert process.returncode == 128 + signal.SIGTERM
    return ending.wall


def show(result: dict[str, dict[str, float]]) -> None:
    """Print the figures as a table."""
    names = list(result)
    print(f"{'':30}" + "".join(f"{name:>14}" for name in names))
    for key in result[names[0]]:
        print(f"{key:30}" + "".join(f"{result[name][key]:14.4f}" for name in names))


def main() -> None:
    """Measure both kinds of replay buffer and print the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)), help="the core to run on")
    parser.add_argument("--repeats", type=int, default=10, help="checkpoints that are timed")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    args = parser.parse_args()
    os.sched_setaffinity(0, {args.core})
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # as ddpg-train does
    result = {replay: measure(replay, args.repeats) for replay in ("uniform", "prioritized")}
    print(json.dumps(result, indent=2)) if args.json else show(result)


if __name__ == "__main__":
    main()
