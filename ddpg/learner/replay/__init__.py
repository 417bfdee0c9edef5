"""Replay buffers, which store transitions and sample minibatches of them."""

from ddpg.learner.replay.buffer import ReplayBuffer
from ddpg.learner.replay.prioritized import PrioritizedReplay

__all__ = ["PrioritizedReplay", "ReplayBuffer"]
