"""Exploration noise: what the trained policy departs from while training, never while evaluating."""

from ddpg.learner.noise.action import Gaussian, NoNoise, Normals, OrnsteinUhlenbeck
from ddpg.learner.noise.parameter import AdaptiveParameter
from ddpg.learner.noise.protocol import Noise

__all__ = ["AdaptiveParameter", "Gaussian", "NoNoise", "Noise", "Normals", "OrnsteinUhlenbeck"]
