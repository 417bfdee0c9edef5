"""Replay memory: what has happened, and which of it is learned from next."""

from ddpg.replay.batch import Batch
from ddpg.replay.buffer import ReplayBuffer
from ddpg.replay.prioritized import PrioritizedReplay

__all__ = ["Batch", "PrioritizedReplay", "ReplayBuffer"]
