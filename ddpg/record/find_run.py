"""Finds the run folder that a user names, or says which one may be meant."""

from pathlib import Path

from ddpg.config.spelling import close_spellings
from ddpg.errors import UserError
from ddpg.record.run_folder import RunFolder, run_folders


def require_run(path: Path, name: str) -> None:
    """Raise UserError unless a folder has a config that can be run or played.

    Args:
        path: the folder.
        name: how the message calls it.
    """
    if RunFolder(path).config.is_file():
        return
    require_there(path, name)
    above = [folder for folder in list(path.absolute().parents)[:2] if RunFolder(folder).config.is_file()]
    if above:
        raise UserError(f"{name} is a part of a run; did you mean {above[0]}?")
    raise UserError(f"{name} is no run folder: it has no config.yaml{_below(path)}")


def require_there(path: Path, name: str) -> None:
    """Raise UserError unless a folder is there; `name` is how the message calls it."""
    if not path.exists():
        raise UserError(f"{name}: there is no such folder{near_folder(path)}")


def near_folder(path: Path) -> str:
    """Return the end of a message about a folder that is not there: the one that is most likely meant.

    It begins with the same letters, has the nearest name, or lies in the folder where runs are by default.
    """
    names = [name for name in _folders(path.parent) if not name.startswith(".")]
    begun = [name for name in names if name.startswith(path.name)]
    close = begun[-1:] or close_spellings(path.name, names, n=1, cutoff=0.6)
    by_default = Path("outputs") / path
    candidates = [by_default] * by_default.is_dir() + [path.with_name(name) for name in close]
    return f"; did you mean {candidates[0]}?" if candidates else ""


def _folders(path: Path) -> list[str]:
    return sorted(folder.name for folder in path.iterdir() if folder.is_dir()) if path.is_dir() else []


def _below(path: Path) -> str:
    """Return the end of a message about a folder without config.yaml: why it may have none, or the runs below it."""
    below = list(run_folders(path))
    if path in below:
        return ", although a run has begun there: it failed before it trained, or the file was removed"
    if not below:
        return ""
    retry = f"; ddpg-sweep retry {path} goes on with all that are not done" if (path / "sweep.json").exists() else ""
    count = "a run is" if len(below) == 1 else f"{len(below)} runs are"
    return f", but {count} below it, such as {below[-1]}{retry}"
