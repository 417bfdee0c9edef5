"""Small environments for the tests of training; `env.imports=[support.toys]` registers them."""

import os
import time
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces


class Walk(gymnasium.Env):
    """A point that drifts with the action; episodes of 5 to 40 steps, drawn from the reset's seed.

    obs: [id of the episode, t, position], float64. Odd lengths terminate, even ones truncate. `nan_obs`,
    `nan_reward` and `crash` name the step, counted over all episodes, where that happens.
    """

    observation_space: Any = spaces.Box(-np.inf, np.inf, (3,), np.float64)
    action_space: Any = spaces.Box(np.array([-3.0, 0.0]), np.array([1.0, 10.0]), dtype=np.float64)

    def __init__(self, render_mode: str | None = None, nan_obs: int = 0, nan_reward: int = 0, crash: int = 0) -> None:
        self.nan_obs, self.nan_reward, self.crash = nan_obs, nan_reward, crash
        self.actions: list[np.ndarray] = []
        self.seeds: list[int | None] = []

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.seeds.append(seed)
        self.length = int(self.np_random.integers(5, 41))
        self.obs = np.array([self.np_random.random(), 0.0, self.np_random.standard_normal()])
        return self.obs, {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        self.actions.append(np.array(action))
        count = len(self.actions)
        if count == self.crash:
            raise RuntimeError("the solver\ndiverged")
        position = 0.9 * self.obs[2] + 0.1 * action[0] + 0.01 * action[1] + 0.1 * self.np_random.standard_normal()
        self.obs[1:] = (
            self.obs[1] + 1,
            np.nan if count == self.nan_obs else position,
        )  # in place, as some envs do
        over = self.obs[1] >= self.length
        reward = np.nan if count == self.nan_reward else -(position**2)
        info = {"loss": position**2}
        return self.obs, reward, bool(over and self.length % 2), bool(over and self.length % 2 == 0), info


class Leaky(Walk):
    """Keeps something across resets, as the walkers of Box2D and PyBullet do."""

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict]:
        obs, info = super().reset(seed=seed)
        obs[2] += 0.01 * len(self.seeds)
        return obs, info


class Camera(Walk):
    """Shows the position as a bar in pictures of 16 x 16 pixels."""

    observation_space: Any = spaces.Box(0, 255, (16, 16, 3), np.uint8)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[np.ndarray, dict]:
        _, info = super().reset(seed=seed)
        return self._picture(), info

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        _, *others = super().step(action)
        return self._picture(), *others

    def _picture(self) -> np.ndarray:
        picture = np.full((16, 16, 3), 40, np.uint8)
        picture[int(8 + 3 * np.clip(self.obs[2], -2, 2)), :, 0] = 200
        picture[:, int(self.obs[1]) % 16, 1] = 90
        return picture


class Slow(Walk):
    """Takes its time, as the environment says, so that a run can be hit: TOYS_PAUSE_S a step, TOYS_LINGER_S to close.

    With TOYS_MENDED nothing crashes any more. What is learned is what it would be without all that.
    """

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        time.sleep(float(os.environ.get("TOYS_PAUSE_S", "0")))
        if "TOYS_MENDED" in os.environ:
            self.crash = 0
        return super().step(action)

    def close(self) -> None:
        time.sleep(float(os.environ.get("TOYS_LINGER_S", "0")))


for _class in (Walk, Leaky, Camera, Slow):
    if f"{_class.__name__}-v0" not in gymnasium.registry:
        gymnasium.register(
            f"{_class.__name__}-v0", entry_point=_class, max_episode_steps=1000, disable_env_checker=True
        )
