"""The fixtures of tests that call commands."""

from support.command_fixtures import finished, own_folder, refusal

__all__ = ["finished", "own_folder", "refusal"]
