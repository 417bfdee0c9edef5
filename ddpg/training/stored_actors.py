"""Actors in files of their own: the newest one, and the best of the evaluations."""

from pathlib import Path
from typing import Any

from torch import Tensor

from ddpg.record.run_folder import RunFolder
from ddpg.training.checkpoint import UNREADABLE, read_tensors, write_tensors


def write_actor(
    path: Path, actor: dict[str, Tensor], env_step: int, episodes: int | None = None
) -> None:
    """Write the actor alone, for `ddpg-eval` and for use elsewhere.

    `episodes` are those of the evaluations by which it was chosen; None if it was not.
    """
    chosen = {} if episodes is None else {"episodes": episodes}
    write_tensors(path, {"actor": actor, "env_step": env_step, **chosen})


def read_actor(path: Path) -> dict[str, Any]:
    """Read what `write_actor` has written; {} if it is not there or cannot be read."""
    try:
        return read_tensors(path)
    except UNREADABLE:
        return {}


def keep_best_actors(folder: RunFolder, evaluated_at: int) -> bool:
    """Remove the actors of evaluations that came after a state; return whether the best is left.

    They were written ahead of the checkpoint. A run that goes on from it as before comes to them
    again, and finds them the best again; with other evaluations it may never come to them.

    Args:
        folder: of the run.
        evaluated_at: the env step of the last evaluation before the state; -1 if there is none.
    """
    best_is_left = False
    for path in folder.best_actors():
        stored = read_actor(path)
        if stored.get("env_step", evaluated_at) > evaluated_at:
            path.unlink()
        elif path == folder.best_actor:
            best_is_left = bool(stored)
    return best_is_left
