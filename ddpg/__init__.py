"""DDPG experiments: Hydra config in, learned policy and honest record out."""

__version__ = "0.1.0"
