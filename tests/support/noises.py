"""Noises as a user may write them."""

from typing import Any

import numpy as np
import torch

from ddpg.learner.noise import Noise


class Drift(Noise):
    """A noise that never forgets and changes its state in place."""

    def __init__(self) -> None:
        self.x = torch.zeros(2)

    def __call__(self, obs: np.ndarray, env_step: int) -> np.ndarray:
        self.x += 0.01
        return self.x.numpy()

    def state_dict(self) -> dict[str, Any]:
        return {"x": self.x}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.x = state["x"]


class Unstorable(Drift):
    """A noise whose state holds an array, which a checkpoint cannot."""

    def state_dict(self) -> dict[str, Any]:
        return {"x": self.x.numpy()}
