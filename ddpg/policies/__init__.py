"""Policies apart from their runs: described by policy.json, loaded without a simulator and without Hydra.

Importing the package imports numpy and nothing else from outside; each format imports what it needs.
"""

from ddpg.policies.description import Description, Network
from ddpg.policies.load import load
from ddpg.policies.policy import Policy
from ddpg.policies.space import Space

__all__ = ["Description", "Network", "Policy", "Space", "load"]
