"""Asks the pruner about a trial: whether it is stopped, and whether one that was stopped may go on."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from optuna.pruners import BasePruner, HyperbandPruner, NopPruner, SuccessiveHalvingPruner, WilcoxonPruner
from optuna.samplers import RandomSampler

from ddpg.search.optuna_study import MemoryStudy, made, quiet, target_of
from ddpg.search.score import Curve, scores_by_seed, scores_so_far
from ddpg.search.study import Definition
from ddpg.search.trials import Trial

#: The name under which successive halving keeps a trial's score at a rung.
RUNG = re.compile(r"completed_rung_(\d+)")


def make_pruner(definition: Definition) -> BasePruner:
    """Return the study's pruner; raise UserError for options that it refuses."""
    budget = definition.total_steps * len(definition.seeds)
    first = max(int(budget * definition.options.prune_after), 1)
    with quiet():
        node = definition.options.pruner
        pruner: BasePruner = made(node, "hydra.sweeper.pruner", {"min_resource": first, "max_resource": budget})
    return pruner


def reported(definition: Definition, curves: Sequence[Curve], total_steps: Sequence[int]) -> dict[int, float]:
    """Return what the pruner compares: the score so far by env steps, or for a test over seeds that of each seed."""
    if issubclass(target_of(definition.options.pruner), WilcoxonPruner):
        return scores_by_seed(curves, total_steps, definition.options.last)
    return scores_so_far(curves, total_steps, definition.options)


def should_prune(definition: Definition, trials: Mapping[int, Trial], trial: Trial) -> tuple[bool, dict[str, Any]]:
    """Return whether a trial is to be stopped after its newest value, and what the pruner keeps about it."""
    unchanged = dict(trial.attrs)
    target = target_of(definition.options.pruner)
    if issubclass(target, NopPruner) or not trial.values:
        return False, unchanged
    by_seed = issubclass(target, WilcoxonPruner)
    budget = len(definition.seeds) if by_seed else definition.total_steps * len(definition.seeds)
    if max(trial.values) + by_seed < definition.options.prune_after * budget:
        return False, unchanged
    study = _study(definition, trials, trial)
    with quiet():
        return bool(study.should_prune(trial.number)), study.attrs(trial.number)


def _study(definition: Definition, trials: Mapping[int, Trial], trial: Trial) -> MemoryStudy:
    known = {**trials, trial.number: trial}
    with quiet():
        return MemoryStudy(
            definition, known, max(known) + 1, sampler=RandomSampler(seed=0), pruner=make_pruner(definition)
        )


def can_promote(definition: Definition) -> bool:
    """Whether the study's pruner may let a trial go on that it has stopped before."""
    return issubclass(target_of(definition.options.pruner), SuccessiveHalvingPruner | HyperbandPruner)


def promoted(definition: Definition, trials: Mapping[int, Trial]) -> Trial | None:
    """Return a trial that was stopped at a rung and now is among the best there, as it goes on; None if there is none.

    The pruner is asked again as it was when it stopped the trial: without the trial's score at that rung.
    """
    if not can_promote(definition):
        return None
    for trial in trials.values():
        rungs = [int(found[1]) for found in map(RUNG.fullmatch, trial.attrs) if found]
        if trial.result is None or trial.result.state != "pruned" or not rungs:
            continue
        attrs = {name: value for name, value in trial.attrs.items() if name != f"completed_rung_{max(rungs)}"}
        prune, attrs_now = should_prune(definition, trials, trial.changed(result=None, attrs=attrs))
        if not prune:
            return trial.changed(result=None, attrs=attrs_now)
    return None
