"""Exploration noise: what is added to the agent's action while training, never while evaluating."""

from ddpg.learner.noise.action import Gaussian, NoNoise, Normals, OrnsteinUhlenbeck
from ddpg.learner.noise.base import Noise
from ddpg.learner.noise.parameter import AdaptiveParameter

__all__ = ["AdaptiveParameter", "Gaussian", "NoNoise", "Noise", "Normals", "OrnsteinUhlenbeck"]
