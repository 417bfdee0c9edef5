"""An environment and an exploration noise of one's own, outside the framework."""

import gymnasium as gym
import numpy as np

from ddpg.learner.noise import Noise
from ddpg.ranges import NonNegative, PositiveInt


class MyRobot(gym.Env[np.ndarray, np.ndarray]):
    """A cart on a rail. Observation: position (m), velocity (m/s); action: force (N), more to the right."""

    def __init__(self, rail: float, render_mode: str | None = None) -> None:
        self.rail, self.render_mode = rail, render_mode
        self.observation_space = gym.spaces.Box(-np.inf, np.inf, (2,))
        self.action_space = gym.spaces.Box(np.float32(-1), np.float32(2), (1,))

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[np.ndarray, dict]:
        super().reset(seed=seed)
        self.state = np.array([self.np_random.uniform(-self.rail, self.rail), 0.0])
        return self.state.astype(np.float32), {}

    def step(self, action: np.ndarray) -> tuple[np.ndarray, float, bool, bool, dict]:
        position, velocity = self.state
        velocity = 0.95 * velocity + 0.05 * float(action[0])
        position = np.clip(position + 0.05 * velocity, -self.rail, self.rail)
        self.state = np.array([position, velocity])
        return self.state.astype(np.float32), -abs(position), False, False, {}


class HeldNoise(Noise):
    """N(0, sigma^2) per dimension, drawn every `hold` steps. The first arguments are the keys of the YAML.

    It has nothing to store: checkpoints are taken between episodes, and every episode starts with a new draw.
    """

    def __init__(
        self, sigma: NonNegative, hold: PositiveInt, action_scale: np.ndarray, rng: np.random.Generator
    ) -> None:
        self._rng = rng
        self._std, self._hold = sigma * action_scale, hold
        self.reset()

    def reset(self) -> None:
        self._age = 0

    def __call__(self, obs: np.ndarray, env_step: int) -> np.ndarray:
        if self._age % self._hold == 0:
            self._value = self._std * self._rng.standard_normal(self._std.shape)
        self._age += 1
        return self._value


gym.register("MyRobot-v0", entry_point="my_package:MyRobot", max_episode_steps=100)
