"""Checkpoints: the learner's state in one file, the replay memory in segments that are written once.

A checkpoint is a state file plus the list of segments that it names. Everything is written beside what exists and
renamed into place, so a kill at any instant leaves the previous checkpoint whole. The two newest are kept.
"""

import io
import logging
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ddpg.errors import UserError
from ddpg.learner.replay import ReplayBuffer
from ddpg.record.run_folder import atomic_write, sync_names

log = logging.getLogger(__name__)

KEPT = 2
_UNREADABLE = (
    OSError,
    RuntimeError,
    ValueError,
    EOFError,
    KeyError,
    pickle.UnpicklingError,
    zipfile.BadZipFile,
)


class Checkpoints:
    """The `checkpoint` folder of a run."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._segments: list[tuple[int, int]] = []  # [start, stop) of the transitions on disk, oldest first
        self._named: dict[Path, set[Path]] = {}  # the segments that a state needs, as far as known

    def save(self, env_step: int, state: dict[str, Any], replay: ReplayBuffer, stop: int) -> bool:
        """Saves `state` with the replay memory as it was when it had seen `stop` transitions.

        Writes only the transitions that no segment holds. False, and nothing written, if the memory has since
        dropped some of them. OSError if the disk is full; the checkpoints before stay whole.
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
        self._segments, self._named[path] = (
            segments,
            {self._segment(*segment) for segment in segments},
        )
        self._drop_old()
        return True

    def load(self, replay: ReplayBuffer, expected: bool) -> dict[str, Any] | None:
        """The newest state that can be read, its transitions put into `replay`; None if there is none.

        UserError if there are some and none can be read, or if there is none where one is `expected`.
        """
        for path in reversed(self._states()):
            try:
                _require_intact(path)
                saved = torch.load(path, map_location="cpu", weights_only=True)
                segments = [tuple(segment) for segment in saved["segments"]]
                for segment in segments:
                    _require_intact(self._segment(*segment))
            except _UNREADABLE as error:
                log.warning(
                    "checkpoint %s cannot be read (%s); falling back to the one before",
                    path.name,
                    error,
                )
                continue
            for (
                start,
                stop,
            ) in segments:  # one after the other: the memory of one segment beside the whole
                with np.load(self._segment(start, stop)) as transitions:
                    replay.restore(start, dict(transitions))
            self._set_aside(newer_than=path)
            self._segments = segments
            return saved["state"]
        if self._states():
            raise UserError(f"no checkpoint in {self._folder} can be read: restore it, or {self._afresh}")
        if expected:
            raise UserError(f"no checkpoint is left in {self._folder}: restore it, or {self._afresh}")
        return None

    @property
    def _afresh(self) -> str:
        """The config and its number in a sweep stay with the run."""
        status = self._folder.parent / "status.json"
        return f"remove {self._folder} and {status} to start afresh"

    def _set_aside(self, newer_than: Path) -> None:
        """What could not be read must not take the place of a good one."""
        for path in self._states():
            if path > newer_than:
                path.rename(path.with_suffix(".damaged"))

    def _states(self) -> list[Path]:
        return sorted(self._folder.glob("state-*.pt"))

    def _segment(self, start: int, stop: int) -> Path:
        return self._folder / f"replay-{start:012d}-{stop:012d}.npz"

    def _drop_old(self) -> None:
        """Removes all but the newest states, and the segments that none of those needs."""
        for path in self._states()[:-KEPT]:
            path.unlink()
            self._named.pop(path, None)
        needed = set[Path]().union(*map(self._named_by, self._states()))
        for path in {*self._folder.glob("replay-*.npz"), *self._folder.glob(".*.tmp")} - needed:
            path.unlink()

    def _named_by(self, path: Path) -> set[Path]:
        if path not in self._named:  # written by an earlier process
            try:
                saved = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
                self._named[path] = {self._segment(*segment) for segment in saved["segments"]}
            except _UNREADABLE:
                self._named[path] = set()
        return self._named[path]


def write_tensors(path: Path, content: dict[str, Any]) -> None:
    """torch.save, whole or not at all. By way of memory: on a full disk torch itself raises no OSError."""
    written = io.BytesIO()
    torch.save(content, written)
    with atomic_write(path) as file:
        file.write(written.getbuffer())


def write_actor(path: Path, actor: dict[str, Tensor], env_step: int) -> None:
    """The actor alone, for `ddpg-eval` and for use elsewhere."""
    write_tensors(path, {"actor": actor, "env_step": env_step})


def require_storable(state: dict[str, Any]) -> None:
    """UserError if `load` would refuse what `save` writes: a noise of one's own may return anything."""
    written = io.BytesIO()
    torch.save(state, written)
    written.seek(0)
    try:
        torch.load(written, weights_only=True)
    except pickle.UnpicklingError as error:
        raise UserError(
            "noise.state_dict() has to hold numbers, texts, lists, dicts and tensors alone (arrays: .tolist()), "
            "or a checkpoint cannot be read again"
        ) from error


def _require_intact(path: Path) -> None:
    """Reads a file against its checksums: torch.load does not look at those that torch.save wrote."""
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged:
        raise zipfile.BadZipFile(f"{damaged} is damaged")
