"""Folders as Python has them: one, or several."""

import os
from collections.abc import Iterable
from pathlib import Path

from ddpg.errors import UserError

Folder = str | os.PathLike[str]


def as_paths(folders: Folder | Iterable[Folder]) -> list[Path]:
    """Return the paths of a folder, or of several; UserError for none and for what is no folder's name."""
    several = [folders] if isinstance(folders, str | os.PathLike) else folders
    if not isinstance(several, Iterable):
        raise UserError(f"folders={folders!r} must be a folder or a list of folders")
    listed = list(several)
    if not listed:
        raise UserError("folders: there is none in the list")
    wrong = next((one for one in listed if not isinstance(one, str | os.PathLike)), "")
    if wrong != "":
        raise UserError(f"folders: {wrong!r} is no folder; write a text or a Path")
    return [Path(one) for one in listed]


def new_run_folder(out: object) -> Path | None:
    """Return the folder that a run is to have, None where the caller names none.

    Raises UserError for what is no folder.
    """
    if out is not None and (not out or not isinstance(out, str | os.PathLike)):
        raise UserError(f"out={out!r} must be the folder of the run, as a text or a Path")
    if out is None:
        return None
    return Path(out).absolute()
