"""Measures the parts of a run: acting, storing, sampling, the record, checkpoints; and the memory of the buffer."""

import gc
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ddpg.config.settings import check
from ddpg.interrupt import InterruptFlag
from ddpg.record.run_folder import RunFolder
from ddpg.record.tracking import Tracker
from ddpg.run.build import build_replay, build_trainer
from ddpg.run.env_spec import build_env_spec
from ddpg.run.kernels import accelerate
from ddpg.training.trainer import Trainer
from measure.learner import compose, fill
from measure.programs import STARTS, WARM_UP

EPISODE = 1000  # env steps, of HalfCheetah-v4


class Stopwatch:
    """Adds up the seconds inside functions; its own time counts as outside."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with its time added up."""

        def timed(*arguments: Any) -> Any:
            start = time.perf_counter()
            result = work(*arguments)
            self.seconds += time.perf_counter() - start
            return result

        return timed


def trainer_of(steps: int, folder: Path) -> Trainer:
    """Build a trainer of td3 on HalfCheetah-v4 that does everything a run does but W&B."""
    cfg = check(compose(
        "preset=td3", f"random_steps={STARTS}", f"learning_starts={STARTS}", f"total_steps={steps}",
        f"eval.every={2 * steps}", "eval.episodes=1",
    ))  # fmt: skip
    run_folder = RunFolder(folder)
    trainer = build_trainer(cfg, run_folder, Tracker(run_folder.metrics, []), InterruptFlag())
    accelerate(cfg, trainer.agent, trainer.replay, torch.device("cpu"))
    return trainer


def outside(windows: int) -> dict[str, Any]:
    """Measure how a run's time in `windows` episodes divides into updates, the simulator and the rest.

    A checkpoint comes after 10,000 env steps; the one at the end is timed and its time divided by as many steps.
    """
    updates = Stopwatch()
    simulator = Stopwatch()
    saves = Stopwatch()
    marks: list[tuple[float, float, float]] = []
    with tempfile.TemporaryDirectory() as name:
        trainer = trainer_of(STARTS + WARM_UP + windows * EPISODE, Path(name))
        boundary = trainer._between_episodes
        every = trainer.schedule.checkpoint_every

        def marked() -> None:
            boundary()
            marks.append((time.perf_counter(), updates.seconds, simulator.seconds))

        trainer._between_episodes = marked  # type: ignore[method-assign]
        trainer.agent.update = updates.around(trainer.agent.update)  # type: ignore[method-assign]
        env = trainer.environments.training.unwrapped
        env.step = simulator.around(env.step)  # type: ignore[method-assign]
        trainer.snapshots.save = saves.around(trainer.snapshots.save)  # type: ignore[method-assign]
        trainer.train()
    spans = np.diff(np.array(marks)[(STARTS + WARM_UP) // EPISODE - 1 :], axis=0)
    assert len(spans) == windows
    step_s, update_s, simulator_s = (float(part) for part in np.median(spans, axis=0) / EPISODE)
    rest = float(np.median(1 - (spans[:, 1] + spans[:, 2]) / spans[:, 0]))
    checkpoint = saves.seconds / every / step_s
    return {"fraction": rest + checkpoint, "step_s": step_s, "update_s": update_s, "simulator_s": simulator_s,
            "checkpoint_fraction": checkpoint, "windows": windows}  # fmt: skip


def resident() -> int:
    """Return the bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


def humanoid_bytes(transitions: int, episode: int) -> int:
    """Return the bytes by which this process grows for transitions of Humanoid-v4, in episodes of `episode` steps."""
    cfg = compose("env=humanoid", f"buffer_size={transitions}", f"total_steps={transitions}")
    env = build_env_spec(cfg).make()
    rng = np.random.default_rng(0)
    env.reset(seed=0)
    gc.collect()
    before = resident()
    replay = build_replay(cfg, env, torch.device("cpu"), rng)
    fill(replay, transitions, rng, episode)
    gc.collect()
    assert len(replay) == transitions
    return resident() - before
