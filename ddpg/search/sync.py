"""`ddpg-sweep sync` for a study: its workers go on while its runs are sent, with the trials' scores."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from ddpg.errors import UserError
from ddpg.record.run_folder import RunFolder
from ddpg.search.pruning import can_promote
from ddpg.search.study import StudyFolder
from ddpg.search.trials import Trial, read_trial
from ddpg.sweep.state.status import is_locked, submitters
from ddpg.sweep.state.tasks import find_tasks
from ddpg.sweep.sync import LeftAlone, connected, run_folders, send_runs


def sync(path: Path, study: StudyFolder) -> bool:
    """Send what W&B lacks and print a line for each run folder; return False if a run could not be sent.

    The lock of the study is held for moments only, never while something is sent.

    Args:
        path: the folder of the study, or one inside it.
        study: the folder of the study.

    Raises:
        UserError: there are no runs, no key, or no server.
    """
    folders = run_folders(path)
    runs = StudyRuns(study)
    with connected() as server:
        return send_runs(server, folders, runs.reserved, lambda folder: trial_results(read_trial_of(folder)))


class StudyRuns:
    """The runs of a study, which workers may train."""

    def __init__(self, study: StudyFolder) -> None:
        """Find out who is alive, which may mean to ask Slurm, before any lock is taken."""
        self._study = study
        tasks = find_tasks(submitters(study.sweep))
        self._gone = {name for name, task in tasks.items() if task.fate == "gone"}

    @contextmanager
    def reserved(self, folder: RunFolder) -> Iterator[None]:
        """Keep workers away from a run for the block.

        The run is locked while no worker can take its trial. A worker that takes it later waits until the run is free.

        Raises:
            LeftAlone: a worker trains the run, or may go on with it at any moment.
        """
        with ExitStack() as stack:
            with self._study.lock():
                if is_locked(folder.path):
                    raise LeftAlone("is being trained")
                if folder.status().get("state") != "done" and self._may_go_on(read_trial_of(folder)):
                    raise LeftAlone("its trial may go on: not sent now")
                stack.enter_context(folder.lock())
            yield

    def _may_go_on(self, trial: Trial) -> bool:
        """Whether a worker that is alive has a trial, or may take it."""
        if not submitters(self._study.sweep).keys() - self._gone:
            return False
        if trial.result is None:
            return True
        return trial.result.state == "pruned" and can_promote(self._study.definition())


def read_trial_of(folder: RunFolder) -> Trial:
    """Read the trial that a run belongs to; raise UserError if there is none, or if its file is damaged."""
    path = folder.path.resolve().parent / "trial.json"
    try:
        return read_trial(path)
    except FileNotFoundError as error:
        raise UserError(f"{folder.path} is the run of no trial: there is no {path}") from error


def trial_results(trial: Trial) -> dict[str, Any]:
    """Return what W&B's summary of a run says about its trial; the score is there once the trial has ended."""
    found: dict[str, Any] = {"trial/number": trial.number}
    if trial.result is not None:
        found["trial/state"] = trial.result.state
        if trial.result.value is not None:
            found["trial/score"] = trial.result.value
    return found
