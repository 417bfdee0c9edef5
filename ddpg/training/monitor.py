"""The metrics that a run logs between its episodes: means of losses, diagnostics and speed."""

import time

import numpy as np
import torch

from ddpg.learner.protocol import Agent
from ddpg.learner.replay import ReplayBuffer
from ddpg.record.tracking import Means
from ddpg.training.network_metrics import network_metrics
from ddpg.training.noise_meter import NoiseMeter
from ddpg.training.seeding import process_generators_kept


class Monitor:
    """Collects metrics at every step, and returns them every `logger.every` env steps."""

    def __init__(
        self, agent: Agent, replay: ReplayBuffer, low: np.ndarray, high: np.ndarray
    ) -> None:
        self._agent = agent
        self._replay = replay
        self._low = torch.from_numpy(low)
        self._high = torch.from_numpy(high)
        self.means = Means()
        self.noise_meter = NoiseMeter((high - low) / 2)
        self._started = time.monotonic()
        self._last_time = self._started
        self._last_step = 0

    def start(self, env_step: int) -> None:
        """Begin to measure time at this env step."""
        self._started = time.monotonic()
        self._last_time = self._started
        self._last_step = env_step

    def speed(self, env_step: int) -> dict[str, float]:
        """Return the env steps per second since the last call, and the seconds since the start."""
        now = time.monotonic()
        steps_per_second = (env_step - self._last_step) / (now - self._last_time)
        self._last_time = now
        self._last_step = env_step
        return {"charts/SPS": steps_per_second, "time/elapsed_s": now - self._started}

    def networks(self, batch_size: int, rng: np.random.Generator) -> dict[str, float]:
        """Return the health of the networks; nothing that is learned changes.

        They are measured on a minibatch of `batch_size` transitions, drawn with `rng`.
        """
        batch = self._replay.peek(batch_size, rng)
        with process_generators_kept():  # from which dropout draws
            return network_metrics(self._agent, batch, self._low, self._high)
