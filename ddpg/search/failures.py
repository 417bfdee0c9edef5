"""Decides what failures mean for a study as a whole: when it stops, and as what the first ones count."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from ddpg.errors import UserError
from ddpg.search.options import StudyOptions
from ddpg.search.score import worst_score
from ddpg.search.study import StudyFolder
from ddpg.search.trials import Result, Trial
from ddpg.training.finite import NOT_FINITE
from ddpg.training.progress import without_place

#: Trials of a search that may fail one after the other, at its start or with the same error, until it stops.
MOST_FAILURES = 5


def require_some_success(study: StudyFolder) -> None:
    """Raise UserError if trials fail for another cause than their values, as when all the first ones have failed.

    Of a population these are all members, or it would depend on who ends first. A search also stops where the last
    trials have failed with one error.
    """
    members = study.definition().members
    results = [trial.result for trial in study.trials().values() if trial.result is not None]
    results.sort(key=lambda result: result.order)
    advice = f"when that is mended: ddpg-sweep retry {study.quoted}"
    if len(results) >= (members or MOST_FAILURES) and all(result.state == "failed" for result in results):
        raise UserError(f"all of the first {len(results)} trials failed, the last with {results[-1].why}; {advice}")
    if members is None and _fail_alike(results[-MOST_FAILURES:]):
        raise UserError(f"the last {MOST_FAILURES} trials failed alike, the last with {results[-1].why}; {advice}")


def _fail_alike(results: Sequence[Result]) -> bool:
    """Whether results are failures with one error, wherever the runs were, that values do not explain.

    Values explain numbers that are not finite, and a kill, because they may need too much memory.
    """
    if len(results) < MOST_FAILURES or any(result.state != "failed" for result in results):
        return False
    errors = {without_place(re.sub(r"^#\d+: ", "", result.why)) for result in results}
    error = errors.pop()
    return not errors and NOT_FINITE not in error and "killed" not in error


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
