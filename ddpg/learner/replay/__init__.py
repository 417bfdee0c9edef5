"""The replay buffer: what has happened, and which of it is learned from next."""

from ddpg.learner.replay.buffer import ReplayBuffer
from ddpg.learner.replay.prioritized import PrioritizedReplay

__all__ = ["PrioritizedReplay", "ReplayBuffer"]
