"""Checks of what a caller of the Python interface gives."""

import operator
from typing import Any, get_args

from ddpg.errors import UserError
from ddpg.policies.description import Which


def require_actor(which: object) -> None:
    """Raise UserError unless this is a name for an actor of a run."""
    if which not in get_args(Which):
        raise UserError(f"which={which!r} is not one of {', '.join(get_args(Which))}")


def whole(name: str, number: Any, least: int) -> int:
    """Convert a whole number, also one of numpy, to an int; raise UserError for another value and for a smaller one."""
    try:
        found = operator.index(number)
    except TypeError:
        found = None
    if found is None or isinstance(number, bool) or found < least:
        raise UserError(f"{name}={number!r} must be a whole number of at least {least}")
    return found
