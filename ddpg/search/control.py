"""`ddpg-sweep retry` for a study: workers go on with it, in the same folder."""

from collections.abc import Mapping
from typing import Any

from ddpg.search.kinds import rules_of
from ddpg.search.launch import start
from ddpg.search.study import StudyFolder
from ddpg.sweep.control import changed_options
from ddpg.sweep.options import options
from ddpg.sweep.state.folder import Origin
from ddpg.sweep.state.status import submitters
from ddpg.sweep.state.tasks import host_and_pid, is_pool


def retry(study: StudyFolder, changes: Mapping[str, Any], lost: str | None) -> bool:
    """Start workers again; trials that failed are tried once more, from their checkpoints.

    A member of a population that has gone on without it stays as it is.

    Args:
        study: its folder.
        changes: options of its launcher that replace those of the study, for this attempt.
        lost: a host or a cluster that is gone for good, with the workers that it had.

    Returns:
        False if a trial failed, otherwise True.

    Raises:
        UserError: no study, wrong options, or the study had to stop.
    """
    definition = study.definition()
    chosen = options(changed_options(study.sweep, changes))
    with study.lock():
        trials = study.trials()
        origins = submitters(study.sweep)
        for trial in trials.values():
            failed = trial.verdict == "failed" and rules_of(definition).may_be_tried_again(definition, trials, trial)
            if failed or _is_lost(trial.owner, origins, lost):
                study.write(trial.changed(result=None, owner=None, kills=0))
    start(study, definition, chosen, lost)
    failures = [trial for trial in study.trials().values() if trial.verdict == "failed"]
    return not failures


def _is_lost(owner: str | None, origins: Mapping[str, Origin], lost: str | None) -> bool:
    """Whether a trial has an owner, on the host or the cluster that is lost."""
    if owner is None or lost is None:
        return False
    if is_pool(owner):
        return host_and_pid(owner)[0] == lost
    return owner in origins and origins[owner].cluster == lost
