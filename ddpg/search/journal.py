"""journal.log: the study for Optuna's tools. It follows the folders, and can be made again from them.

All writes are under the lock of the study, so a line is torn by a kill or a full disk alone. Stock Optuna cannot go on
after such a line; here it is cut away before the next is written, and what it said is written again.
"""

import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from ddpg.errors import UserError, first_line
from ddpg.search.optuna_study import frozen_trial, missing_trial, quiet
from ddpg.search.pruning import can_promote
from ddpg.search.study import Definition, StudyFolder
from ddpg.search.trials import Result, Trial

log = logging.getLogger(__name__)


class _NoLock(JournalFileOpenLock):
    """Locks nothing, because the lock of the study is held already. Optuna's own would stay behind after a kill."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


class HealingBackend(JournalFileBackend):
    """Cuts a torn last line away before it writes the next one."""

    def __init__(self, path: Path) -> None:
        super().__init__(str(path), lock_obj=_NoLock(str(path)))
        self._path = path

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        cut_torn_line(self._path)
        super().append_logs(logs)


def cut_torn_line(path: Path) -> None:
    """Cut what stands behind the last newline of a file."""
    with path.open("rb+") as file:
        end = file.seek(0, os.SEEK_END)
        if end == 0:
            return
        file.seek(end - 1)
        if file.read(1) == b"\n":
            return
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
        os.fsync(file.fileno())


class Journal:
    """Writes what the folders of a study say into its journal."""

    def __init__(self, study: StudyFolder, definition: Definition) -> None:
        self._path = study.journal
        self._definition = definition
        self._storage: JournalStorage | None = None
        self._first_line = b""
        self._compared: dict[int, Result] = {}

    def follow(self, trials: Mapping[int, Trial]) -> None:
        """Write what is missing; the study's lock is held.

        Raises:
            UserError: the file is the journal of another study, or of a newer Optuna.
        """
        with quiet():
            storage, study = self._opened()
            written = storage.get_all_trials(study, deepcopy=False)
            if self._contradicts(written, trials):
                storage, study = self._anew()
                written = []
            for number in range(len(written), max(trials, default=-1) + 1):
                trial = trials.get(number)
                known = missing_trial() if trial is None else self._as_told(trial, trials)
                storage.create_new_trial(study, template_trial=known)
            for frozen in written:
                if not frozen.state.is_finished():
                    self._tell(storage, frozen, self._as_told(trials[frozen.number], trials))

    def _as_told(self, trial: Trial, trials: Mapping[int, Trial]) -> FrozenTrial:
        """Return a trial as the journal has it; one that may go on after it was pruned is running until the end."""
        if trial.verdict == "pruned" and can_promote(self._definition):
            ended = all(other.result is not None for other in trials.values())
            if not ended or len(trials) < self._definition.options.n_trials:
                trial = trial.changed(result=None)
        return frozen_trial(trial, self._definition.space)

    def _tell(self, storage: JournalStorage, before: FrozenTrial, now: FrozenTrial) -> None:
        """Write the values and the end of a trial that was running."""
        for step, value in now.intermediate_values.items():
            if before.intermediate_values.get(step) != value:
                storage.set_trial_intermediate_value(before._trial_id, step, value)
        if now.state.is_finished():
            for name, attr in now.user_attrs.items():
                if before.user_attrs.get(name) != attr:
                    storage.set_trial_user_attr(before._trial_id, name, attr)
            values = now.values if now.state == TrialState.COMPLETE else None
            storage.set_trial_state_values(before._trial_id, now.state, values)

    def _contradicts(self, written: list[FrozenTrial], trials: Mapping[int, Trial]) -> bool:
        """Whether the journal says what the folders do not: a trial was tried again, removed, or the space is wider."""
        return any(
            self._is_other(frozen, trials.get(frozen.number)) for frozen in written if "origin" in frozen.user_attrs
        )

    def _is_other(self, frozen: FrozenTrial, trial: Trial | None) -> bool:
        if trial is None:
            return True
        if trial.result is not None and self._compared.get(trial.number) == trial.result:
            return False
        told = frozen_trial(trial, self._definition.space)
        if frozen.params != told.params or frozen.distributions != told.distributions:
            return True
        if not frozen.state.is_finished():
            return False
        if frozen.state == told.state and trial.result is not None:
            self._compared[trial.number] = trial.result
        return frozen.state != told.state

    def _opened(self) -> tuple[JournalStorage, int]:
        """Return the storage and the number of the study in it, which is made if the file is new."""
        self._storage = self._read()
        name = self._definition.name
        names = [study.study_name for study in self._storage.get_all_studies()]
        if names and name not in names:
            raise UserError(
                f"{self._path} is the journal of the study {names[0]}, not of {name}: move it away, and it is made "
                "again from the folders of the trials"
            )
        study = self._storage.get_study_id_from_name(name) if names else self._begin(self._storage)
        self._first_line = _first_line(self._path)
        return self._storage, study

    def _begin(self, storage: JournalStorage) -> int:
        """Write the study into an empty journal, and return its number there."""
        direction = StudyDirection[self._definition.options.direction.upper()]
        return storage.create_new_study([direction], self._definition.name)

    def _read(self) -> JournalStorage:
        """Read what is new in the file; one that is damaged is set aside, because the folders have what it said."""
        try:
            storage = self._known() or self._new_storage()
            storage.get_all_studies()  # reads the lines that others have added
        except AssertionError as error:  # an operation that this release does not know
            raise UserError(
                f"{self._path} was written by a newer Optuna than {optuna.__version__}: install that one, or move the "
                "file away, and it is made again from the folders of the trials"
            ) from error
        except Exception as error:  # whatever a damaged line makes of it
            aside = self._path.with_suffix(".damaged")
            log.warning("%s is damaged (%s): it is now %s, and made again", self._path, first_line(error), aside.name)
            self._path.replace(aside)
            storage = self._new_storage()
        return storage

    def _known(self) -> JournalStorage | None:
        """Return the storage that this process has read, if its file is still there.

        The first line tells: whoever made the file has a number there that nobody else has. An inode tells nothing,
        because a file system gives that of a removed file to the next one.
        """
        return self._storage if self._first_line and _first_line(self._path) == self._first_line else None

    def _new_storage(self) -> JournalStorage:
        """Read the file from its beginning, or make an empty one."""
        self._compared.clear()
        return JournalStorage(HealingBackend(self._path))

    def _anew(self) -> tuple[JournalStorage, int]:
        """Put a journal without trials in the place of the file."""
        log.info("%s is made again from the folders of the trials", self._path)
        beside = self._path.with_suffix(".new")
        beside.unlink(missing_ok=True)
        self._begin(JournalStorage(HealingBackend(beside)))
        beside.replace(self._path)
        return self._opened()


def _first_line(path: Path) -> bytes:
    """Return the first line of a file; none if the file is not there."""
    try:
        with path.open("rb") as file:
            return file.readline()
    except FileNotFoundError:
        return b""
