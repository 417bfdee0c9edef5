"""The run folder: the record of one run, and who may write to it."""

import fcntl
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

from ddpg.errors import UserError


@contextmanager
def atomic_write(path: Path) -> Iterator[BinaryIO]:
    """A file that appears whole or not at all, even if the power goes: temporary name, fsync, rename, fsync."""
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
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


class RunFolder:
    """Paths and small files of a run folder."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.metrics, self.config, self.provenance = (
            path / name for name in ("metrics.jsonl", "config.yaml", "provenance.json")
        )
        self.actor, self.best_actor = path / "actor.pt", path / "actor_best.pt"
        self.checkpoints, self.videos = path / "checkpoint", path / "videos"
        self._status = path / "status.json"

    def status(self) -> dict[str, Any]:
        """What is known of the run: `state` (running, done, interrupted, failed), env_step, results; {} if new."""
        try:
            return json.loads(self._status.read_text())
        except FileNotFoundError:
            return {}

    def add_start(self, start: Mapping[str, Any]) -> None:
        """One more entry in provenance.json, which lists every start of the run."""
        starts = json.loads(self.provenance.read_text()) if self.provenance.exists() else []
        self.write_json(self.provenance, [*starts, start])

    def write_status(self, **status: Any) -> None:
        """Replaces status.json."""
        self.write_json(self._status, status)

    def write_json(self, path: Path, content: Any) -> None:
        """Replaces one JSON file of the folder."""
        with atomic_write(path) as file:
            file.write((json.dumps(content, indent=2, allow_nan=False) + "\n").encode())

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Holds the folder for this process; UserError if another one trains in it. Ends with the process."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            file = (self.path / ".lock").open("w")
        except OSError as error:
            raise UserError(f"run folder {self.path} cannot be written to: {error.strerror}") from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UserError(f"run folder {self.path} is in use: another process trains in it") from None
            yield
