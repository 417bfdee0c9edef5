"""The contract of what an update returns, checked before anything of it is read."""

from collections.abc import Mapping
from typing import Any

from ddpg.errors import UserError
from ddpg.learner.protocol import Step


def as_metrics(value: Any, name: str) -> Mapping[str, Any]:
    """Return numbers by name as they are; raise UserError for anything else, such as None."""
    if isinstance(value, Mapping):
        return value
    raise UserError(f"{name} returned {_kind(value)}, not numbers to log by name, or {{}}")


def as_step(value: Any) -> Step:
    """Return the result of an update as it is; raise UserError for anything else."""
    if isinstance(value, Step):
        return value
    raise UserError(f"algorithm.update returned {_kind(value)}, not a ddpg.learner.protocol.Step")


def _kind(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
