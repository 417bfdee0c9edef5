"""The run folder: the record of one run, and who may write to it."""

import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from ddpg.errors import UserError, kind_of
from ddpg.record.claims import claim, locked
from ddpg.record.diffs import with_diffs, without_repeated_diffs

log = logging.getLogger(__name__)

#: Seconds until a run folder counts as in use: whoever asks for its state holds the lock for an instant.
LOCK_PATIENCE_S = 1.0


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """Open a file that appears whole or not at all, even if the power goes: temporary name, fsync, rename, fsync."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with temporary.open("wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException as error:
        temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:  # a full disk does not say where
            error.filename = str(path)
        raise
    sync_names(path.parent)


def link(source: Path, target: Path) -> None:
    """Give a file that is never changed in place a second name; copy it where the file system allows no hard link."""
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # another disk, the file of a colleague, or a file system without hard links
        with source.open("rb") as reader, atomic_write(target) as writer:
            shutil.copyfileobj(reader, writer)


def sync_names(folder: Path) -> None:
    """Wait until the names in a folder are safe on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_yaml(path: Path) -> Any:
    """Read a YAML file, with the loader written in C where PyYAML has it: a sweep of a thousand runs takes seconds."""
    with path.open("rb") as file:
        try:
            return yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except yaml.YAMLError:  # the one in C knows no escapes for bytes of a path that are no text
            file.seek(0)
            return yaml.safe_load(file)


def is_run_folder(path: Path) -> bool:
    """Whether a run has begun in this folder (status.json), or a sweep has prepared one there (provenance.json)."""
    return any((path / name).exists() for name in ("status.json", "provenance.json"))


def run_folders(top: Path) -> Iterator[Path]:
    """Yield the run folders in `top` and below it, in natural order; hidden folders and run folders are not searched.

    `top` itself is yielded if it is a run folder.
    """
    for path, below, _ in os.walk(top):
        if is_run_folder(Path(path)):
            below.clear()
            yield Path(path)
        below[:] = sorted((name for name in below if not name.startswith(".")), key=natural_order)


def require_own_folder(path: Path, word: str) -> None:
    """Raise UserError if a run that begins in this folder would hide others: below a run folder none are looked for.

    Runs are looked for as deep as those of a study lie below `outputs`.

    Args:
        path: where a run is to begin, or has begun.
        word: how it was named, as in out=FOLDER.
    """
    if is_run_folder(path) or RunFolder(path).metrics.exists():  # metrics.jsonl is the first file of a run
        return
    configs = (config for depth in (1, 2, 3, 4) for config in path.glob("[!.]*/" * depth + "config.yaml"))
    below = next((config.parent for config in configs if is_run_folder(config.parent)), None)
    if below is not None:
        raise UserError(
            f"{word} is no run, but has {below.relative_to(path)}: a run needs a folder for itself, as {word}/first"
        )


def natural_order(name: str) -> list[str | int]:
    """Return a sorting key that compares the numbers in names as numbers: 2_seed=9, 2_seed=10, 10_seed=1."""
    parts = re.split(r"([0-9]+)", name)
    return [int(part) if place % 2 else part for place, part in enumerate(parts)]


class RunFolder:
    """Paths and small files of a run folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.metrics = path / "metrics.jsonl"
        self.config = path / "config.yaml"
        self.provenance = path / "provenance.json"
        self.actor = path / "actor.pt"
        self.best_actor = path / "actor_best.pt"
        self.checkpoints = path / "checkpoint"
        self.learning_curve = path / "learning_curve.png"
        self.videos = path / "videos"
        self.last_video = self.videos / "last.mp4"
        self._status = path / "status.json"

    def status(self) -> dict[str, Any]:
        """Read status.json: `state` (running, done, interrupted, failed), env_step and results; {} for a new run."""
        return self._read_json(self._status, dict) or {}

    def write_status(self, **status: Any) -> None:
        """Replace status.json."""
        self.write_json(self._status, status)

    def starts(self) -> list[dict[str, Any]]:
        """Read provenance.json: an entry of the sweep which froze the run, if one did, and one for each start."""
        return with_diffs(self._read_json(self.provenance, list) or [])

    def add_start(self, start: Mapping[str, Any]) -> None:
        """Add an entry to provenance.json."""
        self._write_starts([*self.starts(), start])

    def amend_start(self, **more: Any) -> None:
        """Add to the newest entry of provenance.json; to an empty one if somebody has removed the file."""
        *before, newest = self.starts() or [{}]
        self._write_starts([*before, newest | more])

    def _write_starts(self, starts: Sequence[Mapping[str, Any]]) -> None:
        self.write_json(self.provenance, without_repeated_diffs(starts))

    def write_json(self, path: Path, content: Any) -> None:
        """Replace one JSON file of the folder."""
        with atomic_write(path) as file:
            file.write((json.dumps(content, indent=2, allow_nan=False) + "\n").encode())

    def best_actors(self) -> list[Path]:
        """List the best actor and those that were the best by evaluations of another number of episodes."""
        others = self.path.glob(f"{self.best_actor.stem}_of_*.pt")
        return [path for path in (self.best_actor, *others) if path.exists()]

    def saved_step(self) -> int:
        """Return the env step of the newest checkpoint, 0 without one, by the name of its file."""
        names = (path.stem.partition("-")[2] for path in self.checkpoints.glob("state-*.pt"))
        return max(map(int, names), default=0)

    def has_replay(self) -> bool:
        """Whether the checkpoints hold any of the replay memory."""
        return any(self.checkpoints.glob("replay-*.npz"))

    def drop_replay(self) -> None:
        """Remove the replay memory from the checkpoints: they keep the networks, but cannot be resumed."""
        for path in self.checkpoints.glob("replay-*.npz"):
            path.unlink()

    def lock(self) -> AbstractContextManager[None]:
        """Hold the folder for this process, until it ends at the latest; UserError if another process trains in it."""
        return locked(self.path, *self._lock_messages(), LOCK_PATIENCE_S)

    def claim(self, patience_s: float = LOCK_PATIENCE_S, on_wait: Callable[[], None] = lambda: None) -> None:
        """Hold the folder for the next `lock` of this process; UserError if another process trains in it for longer.

        `on_wait` is called again and again meanwhile.
        """
        claim(self.path, *self._lock_messages(), patience_s, on_wait)

    def _lock_messages(self) -> tuple[str, str]:
        name = f"run folder {self.path}"
        return name, f"{name} is in use: another process trains in it"

    def _read_json(self, path: Path, kind: type) -> Any:
        """Read a JSON file; None if it is missing, and with a warning if it is damaged: the checkpoint still counts."""
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            if not isinstance(content, kind):
                raise ValueError(f"it holds {kind_of(content)}, not a {kind.__name__}")
            return content
        except FileNotFoundError:
            return None
        except ValueError as error:  # no JSON, or no text at all
            log.warning("%s cannot be read (%s): as if it were not there", path, error)
            return None
