"""Decides what failures mean for a study as a whole: when it stops, and as what the first ones count."""

from collections.abc import Mapping
from dataclasses import replace

from ddpg.errors import UserError
from ddpg.search.options import SearchOptions, StudyOptions
from ddpg.search.score import worst_score
from ddpg.search.study import Definition, StudyFolder
from ddpg.search.trials import Trial

#: Trials that may fail at the start of a search, until it stops.
FIRST_FAILURES = 5


def require_some_success(study: StudyFolder) -> None:
    """Raise UserError if the first trials have all failed: then there is another cause than their values."""
    results = [trial.result for trial in study.trials().values() if trial.result is not None]
    if len(results) >= _most_failures(study.definition()) and all(result.state == "failed" for result in results):
        raise UserError(
            f"all of the first {len(results)} trials failed, the last with {results[-1].why}; when that is mended: "
            f"ddpg-sweep retry {study.quoted}"
        )


def _most_failures(definition: Definition) -> int:
    """Return how many trials must fail: of a population every member, or it would depend on who ends first."""
    return FIRST_FAILURES if isinstance(definition.kind, SearchOptions) else len(definition.seeds)


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
