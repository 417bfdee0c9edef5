"""The exported folder: it appears whole, or not at all."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ddpg.errors import UserError
from ddpg.policies.description import FILE
from ddpg.remote.files import EXPORTED, PICTURES

#: The files of an exported folder. A folder with any other is not replaced.
FILES = frozenset((*EXPORTED, *PICTURES))


def require_replaceable(out: Path) -> None:
    """Raise UserError if there is something in the place of an exported folder that is not one, or is more."""
    if not out.exists():
        return
    if Path.cwd().is_relative_to(out.resolve()):
        raise UserError(f"out={out} is the working directory, or above it, and is not replaced: choose another folder")
    names = {path.name for path in out.iterdir()} if out.is_dir() else {out.name}
    if out.is_dir() and (not names or FILE in names) and names <= FILES:
        return
    others = sorted(names - FILES) or sorted(names)
    raise UserError(f"out={out} is there and has {others[0]}, which no export writes: choose another folder")


@contextmanager
def replacing(out: Path) -> Iterator[Path]:
    """Give a new, empty folder beside `out`, which takes its place when the block ends well.

    An exported policy that is there is removed after that. If the block raises, nothing has changed.
    """
    require_replaceable(out)
    out.parent.mkdir(parents=True, exist_ok=True)
    mark = uuid.uuid4().hex[:8]
    new = out.with_name(f".{out.name}.{mark}.new")
    old = out.with_name(f".{out.name}.{mark}.old")
    new.mkdir()
    try:
        yield new
        _sync(new)
        require_replaceable(out)
        if out.exists():
            out.rename(old)
        new.rename(out)
    except BaseException:
        if old.exists() and not out.exists():
            old.rename(out)
        shutil.rmtree(new, ignore_errors=True)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _sync(folder: Path) -> None:
    """Wait until the files of a folder are safe on disk."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
