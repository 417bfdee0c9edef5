"""The facts that a worker finds out before it takes the lock of a study.

It takes long to ask Slurm who is alive, or a pruner about many trials.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from ddpg.search.pruning import promoted
from ddpg.search.study import Definition, StudyFolder
from ddpg.search.trials import Trial
from ddpg.sweep.state.status import submitters
from ddpg.sweep.state.tasks import find_tasks


@dataclass(frozen=True)
class Outlook:
    """The facts that were found out before the lock was taken.

    Args:
        gone: the owners of trials that have ended.
        stopped: a trial that the pruner has stopped and would let go on now; None if there is none.
        resumed: the same trial as it goes on.
    """

    gone: frozenset[str]
    stopped: Trial | None
    resumed: Trial | None


def outlook_of(study: StudyFolder, definition: Definition, trials: Mapping[int, Trial], worker: str) -> Outlook:
    """Return the outlook of a worker, which is alive itself, on the trials of a study."""
    owners = {trial.owner for trial in trials.values() if trial.result is None and trial.owner is not None}
    origins = submitters(study.sweep)
    tasks = find_tasks({owner: origins[owner] for owner in owners - {worker} if owner in origins})
    resumed = promoted(definition, trials)
    return Outlook(
        gone=frozenset(name for name, task in tasks.items() if task.fate == "gone"),
        stopped=None if resumed is None else trials[resumed.number],
        resumed=resumed,
    )
