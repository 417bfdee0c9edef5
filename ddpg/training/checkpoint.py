"""Checkpoints: a run's state in one file, its transitions in segments that are written once.

A checkpoint is a state file and the list of the segments that it needs. Everything is written
beside what exists and renamed into place, so that a kill at any instant leaves the previous
checkpoint whole. The two newest checkpoints are kept.
"""

import io
import logging
import pickle
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from ddpg.errors import UserError
from ddpg.learner.replay import ReplayBuffer
from ddpg.record.run_folder import atomic_write, link, sync_names

log = logging.getLogger(__name__)

#: How many checkpoints stay on disk.
KEPT = 2
#: What is raised where a file is damaged or not there, or holds something else.
UNREADABLE = (
    OSError,
    RuntimeError,
    ValueError,
    TypeError,
    EOFError,
    LookupError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
)

#: The transitions [start, stop) of a segment.
Segment = tuple[int, int]


class Checkpoints:
    """The `checkpoint` folder of a run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        # the segments of the newest checkpoint, oldest first
        self._segments: list[Segment] = []
        # the segment files that each state file needs, as far as this process knows
        self._needed: dict[Path, set[Path]] = {}

    def save(self, env_step: int, state: dict[str, Any], replay: ReplayBuffer, stop: int) -> bool:
        """Save `state` with the replay buffer as it was after `stop` transitions.

        Writes only the transitions that no segment holds. Returns False, and writes nothing, if the
        buffer has dropped some of them since. Raises OSError if the disk is full; the checkpoints
        before stay whole.
        """
        saved = self._segments[-1][1] if self._segments else 0
        oldest = max(0, stop - replay.buffer_size)
        start = max(saved, oldest)
        if start < stop and not replay.holds(start, stop):
            return False
        if not self._folder.exists():
            self._folder.mkdir()
            sync_names(self._folder.parent)
        segments = [segment for segment in self._segments if segment[1] > oldest]
        if start < stop:
            with atomic_write(self._segment(start, stop)) as file:
                np.savez(file, allow_pickle=False, **replay.export(start, stop))
            segments.append((start, stop))
        path = self._folder / f"state-{env_step:012d}.pt"
        write_tensors(path, {"segments": segments, "state": state})
        self._segments = segments
        self._needed[path] = self._files(segments)
        self._drop_old()
        return True

    def load(self, replay: ReplayBuffer, expected: bool) -> dict[str, Any] | None:
        """Return the newest state that can be read, and put its transitions into `replay`.

        Returns None if there is no state. Raises UserError if there are some and none can be read,
        or if there is none where one is `expected`.
        """
        states = self._states()
        for path in reversed(states):
            try:
                saved = self._read(path, _require_intact)
            except UNREADABLE as error:
                log.warning(
                    "checkpoint %s cannot be read (%s); falling back to the one before",
                    path.name,
                    error,
                )
                continue
            self._segments = [(start, stop) for start, stop in saved["segments"]]
            self._restore(replay)
            self._set_aside(newer_than=path)
            return saved["state"]
        if states:
            raise UserError(
                f"no checkpoint in {self._folder} can be read: restore it, or {self._advice}"
            )
        if expected:
            raise UserError(
                f"no checkpoint is left in {self._folder}: restore it, or {self._advice}"
            )
        return None

    def copy_newest(
        self, target: Path, changed: Callable[[dict[str, Any]], dict[str, Any]]
    ) -> dict[str, Any]:
        """Make the newest state that can be read, with its transitions, the checkpoint in `target`.

        Files are linked where that is possible, because none here is ever changed in place; `load`
        compares the transitions with their checksums, here they need to be whole alone. A run
        that trains meanwhile may remove what was found; then there is a newer one. `changed` gets
        the state and returns the one of the copy: the same object, or another one, which is
        written. It is called again with a newer state if files were removed meanwhile. Returns the
        state of the copy; raises UserError if none can be read.
        """
        target.mkdir()
        tried: set[Path] = set()
        while untried := [path for path in self._states() if path not in tried]:
            path = untried[-1]
            tried.add(path)
            try:
                saved = self._read(path, _require_whole)
            except FileNotFoundError:
                continue
            except UNREADABLE as error:
                log.warning("checkpoint %s cannot be read (%s)", path.name, error)
                continue
            with suppress(FileNotFoundError):
                for file in self._files(saved["segments"]):
                    link(file, target / file.name)
                state = changed(saved["state"])
                if state is saved["state"]:
                    link(path, target / path.name)
                else:
                    write_tensors(target / path.name, {**saved, "state": state})
                sync_names(target)
                return state
        raise UserError(f"no checkpoint in {self._folder} can be read")

    @property
    def _advice(self) -> str:
        """How to start afresh; the run keeps its config and its number in a sweep."""
        status = self._folder.parent / "status.json"
        return f"remove {self._folder} and {status} to start afresh"

    def _read(self, path: Path, check: Callable[[Path], None]) -> dict[str, Any]:
        """Read a state file and check its segments; raises one of UNREADABLE if one is damaged."""
        saved = read_tensors(path)
        for file in self._files(saved["segments"]):
            check(file)
        return saved

    def _restore(self, replay: ReplayBuffer) -> None:
        """Put the transitions back; of one segment at a time there are two copies in memory."""
        for start, stop in self._segments:
            with np.load(self._segment(start, stop)) as transitions:
                replay.restore(start, dict(transitions))

    def _set_aside(self, newer_than: Path) -> None:
        """Rename the states that could not be read, so that none takes the place of a good one."""
        for path in self._states():
            if path > newer_than:
                path.rename(path.with_suffix(".damaged"))

    def _states(self) -> list[Path]:
        """List the state files, oldest first."""
        return sorted(self._folder.glob("state-*.pt"))

    def _segment(self, start: int, stop: int) -> Path:
        return self._folder / f"replay-{start:012d}-{stop:012d}.npz"

    def _files(self, segments: Sequence[Segment]) -> set[Path]:
        return {self._segment(start, stop) for start, stop in segments}

    def _drop_old(self) -> None:
        """Remove all but the newest states, and the segments that none of those needs."""
        for path in self._states()[:-KEPT]:
            path.unlink()
            self._needed.pop(path, None)
        needed = set[Path]().union(*map(self._needed_by, self._states()))
        for path in {*self._folder.glob("replay-*.npz"), *self._folder.glob(".*.tmp")} - needed:
            path.unlink()

    def _needed_by(self, path: Path) -> set[Path]:
        """Return the segment files that a state file needs; one that cannot be read needs none."""
        if path not in self._needed:  # an earlier process wrote it
            try:
                saved = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
                self._needed[path] = self._files(saved["segments"])
            except UNREADABLE:
                self._needed[path] = set()
        return self._needed[path]


def write_tensors(path: Path, content: dict[str, Any]) -> None:
    """Write with torch.save, whole or not at all.

    Raises OSError if the disk is full; torch itself would raise something else, so it writes into
    memory first.
    """
    written = io.BytesIO()
    torch.save(content, written)
    with atomic_write(path) as file:
        file.write(written.getbuffer())


def read_tensors(path: Path) -> dict[str, Any]:
    """Read what `write_tensors` has written; raises one of UNREADABLE if it is damaged."""
    _require_intact(path)
    content: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    return content


def require_storable(state: dict[str, Any]) -> None:
    """Raise UserError if `load` would refuse what `save` writes.

    That may be, because a user's noise or algorithm can return anything as its state_dict.
    """
    for name, part in state.items():
        written = io.BytesIO()
        torch.save(part, written)
        written.seek(0)
        try:
            torch.load(written, weights_only=True)
        except pickle.UnpicklingError as error:
            raise UserError(
                f"{name}.state_dict() has to hold numbers, texts, lists, dicts and tensors alone "
                "(arrays: .tolist()), or a checkpoint cannot be read again"
            ) from error


def _require_whole(path: Path) -> None:
    """Check that a file is there with its end, which takes no longer for a large one."""
    with zipfile.ZipFile(path):
        pass


def _require_intact(path: Path) -> None:
    """Check a file against the checksums in it, because torch.load does not look at them."""
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged:
        raise zipfile.BadZipFile(f"{damaged} is damaged")
