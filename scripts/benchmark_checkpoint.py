"""What exact resume costs: `scripts/benchmark_checkpoint.py`.

HalfCheetah-v4 with a full and wrapping memory of a million transitions, uniform and prioritized: the copies in memory
(one for each 200 steps where episodes are short: the worst case) and the checkpoint of `checkpoint.every` steps,
beside the time that training takes for those steps; from SIGTERM to the end of the process; what a resume loads.
One torch thread on one core. On a machine that does other things, believe the fractions of CPU time: they leave out
the waits for the disk, a few milliseconds for each of the nine files and folders of a checkpoint, and for the core.
"""

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
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
from ddpg.record.run_folder import RunFolder
from ddpg.record.tracking import Tracker, read_metrics
from ddpg.run.build import accelerate, build_trainer
from ddpg.training.trainer import SNAPSHOT_EVERY, Trainer

SIZE, SEEN = 1_000_000, 1_200_000  # transitions that the memory holds, and that it has seen
EPISODE = 1000
ROWS = 3  # of the record, 250 env steps apart, before the signal


def config(replay: str) -> DictConfig:
    """The config of a run that goes on at env step SEEN."""
    words = [
        "env=halfcheetah", "preset=td3", f"replay={replay}", f"buffer_size={SIZE}", "device=cpu", "logger=silent",
        "logger.every=250", "total_steps=3000000", "eval.every=3000000",
    ]  # fmt: skip
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        return check(hydra.compose("config", words))


def trainer_in(folder: Path, cfg: DictConfig) -> Trainer:
    run_folder = RunFolder(folder)
    trainer = build_trainer(cfg, run_folder, Tracker(run_folder.metrics, []))
    accelerate(cfg, trainer.agent, trainer.replay, torch.device("cpu"))
    return trainer


def add_transitions(trainer: Trainer, count: int, rng: np.random.Generator) -> None:
    """As so many steps would, in whole episodes."""
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
    """Seconds, by the clock and of the processor."""

    wall: float
    cpu: float

    @classmethod
    def of(cls, work: Callable[[], Any]) -> "Cost":
        wall, cpu = time.perf_counter(), time.process_time()
        work()
        return cls(time.perf_counter() - wall, time.process_time() - cpu)

    @classmethod
    def median(cls, costs: Sequence["Cost"]) -> "Cost":
        return cls(statistics.median(c.wall for c in costs), statistics.median(c.cpu for c in costs))


def measure(replay: str, repeats: int) -> dict[str, float]:
    """The figures of one kind of memory."""
    cfg, rng = config(replay), np.random.default_rng(0)
    every = cfg.checkpoint.every
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name)
        (folder / "config.yaml").write_text(OmegaConf.to_yaml(cfg))
        trainer = trainer_in(folder, cfg)
        begin(trainer, rng)
        saves = []
        while trainer.progress.env_step < SEEN + repeats * every:
            add_transitions(trainer, every, rng)
            trainer.replay.sample(1)  # enters them into the tree of priorities
            saves.append(Cost.of(lambda: checkpoint_of(trainer)))
        snapshot = Cost.median([Cost.of(lambda: snapshot_of(trainer)) for _ in range(20)])
        save, slowest = Cost.median(saves[-repeats:]), max(cost.wall for cost in saves[-repeats:])
        training = Cost.median([Cost.of(trainer._run_episode) for _ in range(3)])
        trainer.environments.close()
        signal_s = stopped(folder)
        load = Cost.of(trainer_in(folder, cfg).snapshots.resume)
        on_disk = sum(path.stat().st_size for path in (folder / "checkpoint").iterdir())
    figures = {
        "snapshot_s": snapshot.wall, "save_s": save.wall, "slowest_save_s": slowest,
        "training_s": training.wall * every / EPISODE, "signal_s": signal_s, "load_s": load.wall,
        "on_disk_mb": on_disk / 1e6,
    }  # fmt: skip
    for episodes, length in (("episodes_of_1000", EPISODE), ("short_episodes", SNAPSHOT_EVERY)):
        for clock in ("wall", "cpu"):
            cost = getattr(save, clock) + every / length * getattr(snapshot, clock)
            figures[f"{clock}_fraction_{episodes}"] = cost / (getattr(training, clock) * every / EPISODE)
    return figures


def begin(trainer: Trainer, rng: np.random.Generator) -> None:
    """An update, for the optimizers have no state before it."""
    trainer.tracker.rewind(None)
    add_transitions(trainer, 10 * EPISODE, rng)
    step = trainer.agent.update(trainer.replay.sample(256))
    trainer.replay.update_priorities(step.td_error)


def checkpoint_of(trainer: Trainer) -> None:
    """Take a snapshot and write it."""
    trainer.snapshots.take()
    trainer.snapshots.save()


def snapshot_of(trainer: Trainer) -> None:
    """Do what `Trainer._between_episodes` does every SNAPSHOT_EVERY steps."""
    trainer._require_finite_weights()
    trainer.snapshots.take()


def stopped(folder: Path) -> float:
    """Seconds from SIGTERM to the end of a process that goes on in the folder."""
    command = [sys.executable, "scripts/train.py", f"resume={folder}"]
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
    names = list(result)
    print(f"{'':30}" + "".join(f"{name:>14}" for name in names))
    for key in result[names[0]]:
        print(f"{key:30}" + "".join(f"{result[name][key]:14.4f}" for name in names))


def main() -> None:
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
