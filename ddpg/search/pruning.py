"""Asks the pruner about a trial: whether it is stopped, and whether one that was stopped may go on."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.pruners import BasePruner, HyperbandPruner, NopPruner, SuccessiveHalvingPruner, WilcoxonPruner
from optuna.samplers import RandomSampler

from ddpg.search.optuna_study import MemoryStudy, made, quiet, target_of
from ddpg.search.score import AGGREGATES, RunSoFar, scores_by_seed, scores_so_far
from ddpg.search.study import Definition
from ddpg.search.trials import Trial

#: The name under which successive halving keeps a trial's score at a rung.
RUNG = re.compile(r"completed_rung_(\d+)")


def _pruner(definition: Definition) -> type[BasePruner]:
    """Return the class of the study's pruner; a population stops nobody."""
    if definition.members:
        return NopPruner
    found: type[BasePruner] = target_of(definition.search.pruner)
    return found


def make_pruner(definition: Definition) -> BasePruner:
    """Return the study's pruner; raise UserError for options that it refuses."""
    budget = definition.total_steps * len(definition.seeds)
    first = max(int(budget * definition.search.prune_after), 1)
    with quiet():
        node = definition.search.pruner
        pruner: BasePruner = made(node, "hydra.sweeper.pruner", {"min_resource": first, "max_resource": budget})
    return pruner


def reported(definition: Definition, runs: Sequence[RunSoFar]) -> dict[int, float]:
    """Return what the pruner compares: the score so far by env steps, or for a test over seeds that of each seed."""
    if _compares_seeds(definition):
        return scores_by_seed(runs, definition.options.last)
    return scores_so_far(runs, definition.options)


def newest_score(definition: Definition, values: Mapping[int, float]) -> float:
    """Return the score so far of a trial after all that was reported of it, which is something."""
    if _compares_seeds(definition):
        return float(AGGREGATES[definition.options.over_seeds](list(values.values())))
    return values[max(values)]


def _compares_seeds(definition: Definition) -> bool:
    return issubclass(_pruner(definition), WilcoxonPruner)


def should_prune(definition: Definition, trials: Mapping[int, Trial], trial: Trial) -> tuple[bool, dict[str, Any]]:
    """Return whether a trial is to be stopped after its newest value, and what the pruner keeps about it."""
    unchanged = dict(trial.attrs)
    if issubclass(_pruner(definition), NopPruner) or not trial.values:
        return False, unchanged
    by_seed = _compares_seeds(definition)
    budget = len(definition.seeds) if by_seed else definition.total_steps * len(definition.seeds)
    if max(trial.values) + by_seed < definition.search.prune_after * budget:
        return False, unchanged
    with quiet():
        study = _study(definition, {**trials, trial.number: trial})
        return bool(study.should_prune(trial.number)), study.attrs(trial.number)


def is_whole(values: Mapping[int, float], runs: Sequence[RunSoFar]) -> bool:
    """Whether all runs of a trial are trained to their ends, or about to say so, so that nothing is saved any more."""
    return all(run.is_done for run in runs) or max(values) >= sum(run.total_steps for run in runs)


def _study(definition: Definition, trials: Mapping[int, Trial]) -> MemoryStudy:
    pruner = make_pruner(definition)
    return MemoryStudy(definition, trials, max(trials) + 1, sampler=RandomSampler(seed=0), pruner=pruner)


def can_promote(definition: Definition) -> bool:
    """Whether the study's pruner may let a trial go on that it has stopped before."""
    return issubclass(_pruner(definition), SuccessiveHalvingPruner | HyperbandPruner)


def promoted(definition: Definition, trials: Mapping[int, Trial]) -> Trial | None:
    """Return a trial that was stopped at a rung and now is among the best there, as it goes on; None if there is none.

    The pruner is asked again as it was when it stopped the trial: without the trial's score at that rung.
    """
    stopped = _stopped_at_rungs(trials) if can_promote(definition) else {}
    if not stopped:
        return None
    going_on = {number: trials[number].changed(result=None) for number in stopped}
    with quiet():
        study = _study(definition, {**trials, **going_on})
        for number, rung in stopped.items():
            if not study.should_prune(number, without=rung):
                return going_on[number].changed(attrs=study.attrs(number))
    return None


def _stopped_at_rungs(trials: Mapping[int, Trial]) -> dict[int, str]:
    """Return the last rung of each trial that successive halving has stopped, as the name of its attribute."""
    found = {}
    for number, trial in trials.items():
        rungs = [int(match[1]) for match in map(RUNG.fullmatch, trial.attrs) if match]
        if trial.verdict == "pruned" and rungs:
            found[number] = f"completed_rung_{max(rungs)}"
    return found
