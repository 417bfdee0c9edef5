"""The state of a run: copied between episodes, written to disk, restored on resume."""

import copy
import logging
from collections.abc import Mapping
from typing import Any, Protocol

from ddpg.constructors import is_ours
from ddpg.errors import UserError, one_line, typed_line
from ddpg.learner.replay import ReplayBuffer
from ddpg.record.run_folder import RunFolder
from ddpg.record.tracking import Tracker
from ddpg.training.checkpoint import Checkpoints, require_storable
from ddpg.training.progress import NO_RESULTS, Progress
from ddpg.training.stored_actors import keep_best_actors, write_actor

log = logging.getLogger(__name__)


class Part(Protocol):
    """A part of the run whose state changes."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any], /) -> Any: ...


class Snapshots:
    """Everything that the rest of a run depends on, as it was at the start of an episode.

    Every episode begins from a seed of its own, so without any simulator state this is all that an
    exact resume needs. `parts` is the one list of what belongs to it; transitions are stored beside
    the state, by `Checkpoints`, and the place in the record is the tracker's.
    """

    def __init__(
        self,
        parts: Mapping[str, Part],
        replay: ReplayBuffer,
        progress: Progress,
        tracker: Tracker,
        folder: RunFolder,
    ) -> None:
        self._parts = dict(parts)
        self._replay = replay
        self._progress = progress
        self._tracker = tracker
        self._folder = folder
        self._checkpoints = Checkpoints(folder.checkpoints)
        self._newest: dict[str, Any] = {}
        #: The env step of the newest snapshot.
        self.taken_at = 0
        #: The env step of the newest checkpoint on disk.
        self.saved_at = 0

    def resume(self) -> None:
        """Restore the newest checkpoint of the folder, if there is one, and take a snapshot.

        Raises UserError if a checkpoint is expected and none can be read, or if the run's state is
        one that could not be read again.
        """
        expected = self._folder.status().get("env_step", 0) > 0
        state = self._checkpoints.load(self._replay, expected)
        self._tracker.rewind(state["tracker"] if state else None)
        if state:
            self._restore(state)
            log.info("resumed at env_step %d", self._progress.env_step)
        if not keep_best_actors(self._folder, self._progress.evaluated_at):
            self._progress.load_state_dict(NO_RESULTS)
        self.saved_at = self._progress.env_step
        self.take()
        require_storable(self._newest)  # before a rescue could write what cannot be read again

    def _restore(self, state: Mapping[str, Any]) -> None:
        missing = [name for name in self._parts if name not in state]
        if missing:
            raise UserError(
                f"the checkpoint in {self._folder.path} has no {', '.join(missing)}: it is of "
                "another version of the program; continue the run with that one"
            )
        for name, part in self._parts.items():
            try:
                part.load_state_dict(state[name])
            except RuntimeError as error:  # torch's, for tensors of other shapes
                raise UserError(
                    f"the {name} in the checkpoint in {self._folder.path} does not fit the config: "
                    f"{one_line(error)}"
                ) from error

    def take(self) -> None:
        """Copy the state as it is now, between two episodes."""
        # in one go, so that a tensor of two parts (the actor's weights) is stored once
        parts = {name: part.state_dict() for name, part in self._parts.items() if name != "replay"}
        state: dict[str, Any] = copy.deepcopy(parts)
        replay = self._replay.state_dict()
        # the classes of this package give copies already, because priorities can be large
        copied = is_ours(type(self._replay).__module__)
        state["replay"] = replay if copied else copy.deepcopy(replay)
        state["tracker"] = self._tracker.position()
        state["transitions"] = self._replay.total
        self._newest = state
        self.taken_at = self._progress.env_step

    def save(self) -> None:
        """Write the newest snapshot, and the actor of it.

        Raises UserError or OSError if it cannot be written; the checkpoints before stay whole.
        """
        self._tracker.sync()
        state = self._newest
        if not self._checkpoints.save(self.taken_at, state, self._replay, state["transitions"]):
            log.warning(
                "env_step %d is not saved: buffer_size=%d holds less than the episode under way; "
                "a resume goes on from env_step %d",
                self.taken_at,
                self._replay.buffer_size,
                self.saved_at,
            )
            return
        self.saved_at = self.taken_at
        status = {"state": "running"} | self._folder.status()  # which somebody may have removed
        self._folder.write_status(**status | {"env_step": self.saved_at})
        write_actor(self._folder.actor, state["actor"], self.saved_at)

    def save_if_due(self, every: int) -> None:
        """Write the newest snapshot if the last checkpoint is `every` env steps before it.

        A small replay buffer is written before it drops transitions that no checkpoint holds yet.
        """
        if self.taken_at - self.saved_at >= min(every, self._replay.buffer_size // 2):
            self.save()

    def rescue(self) -> None:
        """Write the newest snapshot when the run ends early.

        A second failure is logged and not raised, because it must not hide the first.
        """
        try:
            self.save()
        except Exception as error:
            log.warning(
                "the newest state is not saved (%s); a resume goes on from env_step %d",
                typed_line(error),
                self.saved_at,
            )
