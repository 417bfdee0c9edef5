"""Measures the training loop with an environment that takes no time."""

from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import torch

from ddpg.config.settings import check
from ddpg.interrupt import InterruptFlag
from ddpg.record.run_folder import RunFolder
from ddpg.record.tracking import Tracker
from ddpg.run.build import build_trainer
from ddpg.run.kernels import accelerate
from measure.floor import Shapes
from measure.learner import Case, Sizes, Work, compose, fill

#: Env steps of an episode, after which its return is logged.
EPISODE = 20


class Still(Sizes):
    """An environment in which nothing moves."""

    def __init__(self, obs: int, render_mode: None = None) -> None:
        super().__init__(Shapes([], 1, 1, 1, obs=obs))
        self._obs = np.zeros(obs, np.float32)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[np.ndarray, dict[str, Any]]:
        return self._obs, {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
        return self._obs, 0.0, False, False, {}


def loop(case: Case, filled: int, folder: Path) -> Work:
    """Return a function that trains for an episode, without evaluations, checkpoints and means of the losses."""
    folder.mkdir()
    if "Still-v0" not in gymnasium.registry:
        gymnasium.register("Still-v0", f"{__name__}:Still", max_episode_steps=EPISODE)
    forever = 10**9
    cfg = check(compose(
        *case.overrides, "env.id=Still-v0", "env.name=still", f"+env.kwargs.obs={case.shapes.obs}", "random_steps=0",
        "learning_starts=0", f"total_steps={forever}", f"eval.every={forever}", f"logger.every={forever}",
        "buffer_size=1_000_000", env="gym",
    ))  # fmt: skip
    run_folder = RunFolder(folder)
    trainer = build_trainer(cfg, run_folder, Tracker(run_folder.metrics, []), InterruptFlag())
    accelerate(cfg, trainer.agent, trainer.replay, torch.device("cpu"))
    fill(trainer.replay, filled, np.random.default_rng(0))
    return trainer._run_episode
