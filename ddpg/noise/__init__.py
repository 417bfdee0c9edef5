"""Exploration noise: what the trained policy departs from while training, never while evaluating."""

from ddpg.noise.action import Gaussian, NoNoise, Normals, OrnsteinUhlenbeck
from ddpg.noise.parameter import AdaptiveParameter
from ddpg.noise.protocol import Noise

__all__ = ["AdaptiveParameter", "Gaussian", "NoNoise", "Noise", "Normals", "OrnsteinUhlenbeck"]
