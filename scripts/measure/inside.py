"""Inside a run: what acting, storing, sampling, the record and checkpoints take; what the replay memory takes."""

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
from ddpg.record.run_folder import RunFolder
from ddpg.record.tracking import Tracker
from ddpg.run.build import accelerate, build_env_spec, build_replay, build_trainer
from ddpg.training.trainer import Trainer
from measure.learner import compose, fill
from measure.programs import STARTS, WARM_UP

EPISODE = 1000  # env steps, of HalfCheetah-v4


class Stopwatch:
    """Adds up the seconds within functions of one argument. What it takes itself counts as outside of them."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def around(self, work: Callable[..., Any]) -> Callable[..., Any]:
        def timed(*arguments: Any) -> Any:
            start = time.perf_counter()
            result = work(*arguments)
            self.seconds += time.perf_counter() - start
            return result

        return timed


def trainer_of(steps: int, folder: Path) -> Trainer:
    """td3 on HalfCheetah-v4, with everything that a run does but W&B."""
    cfg = check(compose(
        "preset=td3", f"random_steps={STARTS}", f"learning_starts={STARTS}", f"total_steps={steps}",
        f"eval.every={2 * steps}", "eval.episodes=1",
    ))  # fmt: skip
    run_folder = RunFolder(folder)
    trainer = build_trainer(cfg, run_folder, Tracker(run_folder.metrics, []))
    accelerate(cfg, trainer.agent, trainer.replay, torch.device("cpu"))
    return trainer


def outside(windows: int) -> dict[str, Any]:
    """Of so many episodes of a run, the parts that are updates, the simulator, and the rest.

    A checkpoint comes after 10,000 env steps; the one at the end is timed, and spread over so many.
    """
    updates, simulator, saves = Stopwatch(), Stopwatch(), Stopwatch()
    marks: list[tuple[float, float, float]] = []
    with tempfile.TemporaryDirectory() as name:
        trainer = trainer_of(STARTS + WARM_UP + windows * EPISODE, Path(name))
        boundary, every = trainer._between_episodes, trainer.schedule.checkpoint_every

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
    """Bytes of this process that are in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE")


def humanoid_bytes(transitions: int, episode: int) -> int:
    """By how much this process grows for so many transitions of Humanoid-v4, in episodes of that length."""
    cfg = compose("env=humanoid", f"buffer_size={transitions}", f"total_steps={transitions}")
    env, rng = build_env_spec(cfg).make(), np.random.default_rng(0)
    env.reset(seed=0)
    gc.collect()
    before = resident()
    replay = build_replay(cfg, env, torch.device("cpu"), rng)
    fill(replay, transitions, rng, episode)
    gc.collect()
    assert len(replay) == transitions
    return resident() - before
