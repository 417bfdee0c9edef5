"""Policies on the Hugging Face Hub and as W&B artifacts: published, and fetched as folders."""

from ddpg.remote.fetch import fetch, is_remote

__all__ = ["fetch", "is_remote"]
