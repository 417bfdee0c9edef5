"""Decides what failures mean for a study as a whole: when it stops, and as what the first ones count."""

from collections.abc import Mapping
from dataclasses import replace

from ddpg.errors import UserError
from ddpg.search.options import StudyOptions
from ddpg.search.score import worst_score
from ddpg.search.study import StudyFolder
from ddpg.search.trials import Trial

#: Trials that may fail at the start of a search, until it stops.
FIRST_FAILURES = 5


def require_some_success(study: StudyFolder) -> None:
    """Raise UserError if the first trials have all failed: then there is another cause than their values.

    Of a population these are all members, or it would depend on who ends first.
    """
    most = study.definition().members or FIRST_FAILURES
    results = [trial.result for trial in study.trials().values() if trial.result is not None]
    if len(results) >= most and all(result.state == "failed" for result in results):
        raise UserError(
            f"all of the first {len(results)} trials failed, the last with {results[-1].why}; when that is mended: "
            f"ddpg-sweep retry {study.quoted}"
        )


def scored_late(trials: Mapping[int, Trial], options: StudyOptions) -> list[Trial]:
    """Return the trials that failed before any other had a score, as they count as the worst now, if there is one."""
    worst = worst_score(trials, options) if options.failed == "worst" else None
    return [
        trial.changed(result=replace(trial.result, value=worst))
        for trial in trials.values()
        if worst is not None
        and trial.result is not None
        and trial.result.state == "failed"
        and trial.result.value is None
    ]
