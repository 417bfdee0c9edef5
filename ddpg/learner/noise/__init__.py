"""Exploration noise, which is added to the agent's action in training, never in evaluation."""

from ddpg.learner.noise.action import Gaussian, NoNoise, Normals, OrnsteinUhlenbeck
from ddpg.learner.noise.base import Noise
from ddpg.learner.noise.parameter import AdaptiveParameter

__all__ = ["AdaptiveParameter", "Gaussian", "NoNoise", "Noise", "Normals", "OrnsteinUhlenbeck"]
