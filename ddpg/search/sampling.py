"""Chooses the parameters of the next trial: Optuna's samplers on a study in memory, which is made from the folders.

A sampler gets a seed for each trial, so what it chooses depends on the study's seed, the trial's number and the trials
before it, and on nothing that a killed process could take with it.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import islice
from typing import Any

import numpy as np
from optuna.samplers import BaseSampler, GridSampler, QMCSampler, RandomSampler, TPESampler
from optuna.trial import Trial as Asked

from ddpg.errors import UserError
from ddpg.search.optuna_study import MemoryStudy, made, pruned_as_complete, quiet, target_of
from ddpg.search.points import count, is_finite, points, stepped, values_of
from ddpg.search.space import Choice, Dimension, Space, Value, rounded
from ddpg.search.study import Definition
from ddpg.search.trials import Trial
from ddpg.sweep.state.folder import timestamp

#: How often the sampler, and after it chance, may propose values that a trial has had.
TRIES = 10


def propose(definition: Definition, trials: Mapping[int, Trial], number: int) -> Trial:
    """Return the next trial of a study, with values that no other has had.

    Args:
        definition: of the study.
        trials: those before it; its sampler sees them.
        number: of the new trial.
    """
    is_control = _is_control(definition, number)
    seed = _seed(definition.options.seed, number)
    sampler = RandomSampler(seed=seed) if is_control else make_sampler(definition, seed)
    with quiet():
        study = MemoryStudy(definition, _as_seen(definition, trials), number, sampler=sampler)
        params, attrs = _new_point(study, definition.space, [trial.params for trial in trials.values()], seed)
    return Trial(
        number=number,
        params=params,
        origin="control" if is_control else "sampler",
        seeds=definition.seeds,
        asked=timestamp(),
        attrs=attrs,
        study_attrs=study.study_attrs(),
    )


def _as_seen(definition: Definition, trials: Mapping[int, Trial]) -> Mapping[int, Trial]:
    """Return the trials as the study's sampler sees them.

    TPE has its own rule for pruned trials. Others learn from complete ones alone, so they would propose what was pruned
    or failed again; for them a pruned trial is complete, and one that failed without a score is as one that goes on.
    """
    if issubclass(target_of(definition.search.method), TPESampler):
        return trials
    return {
        number: trial.changed(result=None) if trial.verdict == "failed" and trial.score is None else trial
        for number, trial in pruned_as_complete(trials, definition.options).items()
    }


def _new_point(
    study: MemoryStudy, space: Space, before: Sequence[Mapping[str, Value]], seed: int
) -> tuple[Mapping[str, Value], dict[str, Any]]:
    """Return values that no trial before has had, and what the sampler keeps about them.

    The seeds are the same in each trial, so the same values would only give the same score again. The sampler sees what
    it has proposed in vain as trials that go on.
    """
    for attempt in range(2 * TRIES):
        if attempt == TRIES:
            study.optuna.sampler = RandomSampler(seed=seed + 1)
        asked = study.optuna.ask()
        params: Mapping[str, Value] = _drawn(asked, space)
        if params not in before:
            break
    else:
        # one of the first ones, because a finite space can be far too large for a list
        unseen = (point for point in points(space) if point not in before) if is_finite(space) else iter(())
        left = list(islice(unseen, len(before) + 1))
        params = left[seed % len(left)] if left else params
    return params, study.attrs(asked.number)


def _drawn(asked: Asked, space: Space) -> dict[str, Value]:
    """Return a value for each key that is part of the trial."""
    params: dict[str, Value] = {}
    for dimension in space.dimensions:
        if space.is_active(dimension.key, params):
            params[dimension.key] = _suggested(asked, dimension)
    return params


def _suggested(asked: Asked, dimension: Dimension) -> Value:
    if isinstance(dimension, Choice):
        return str(asked.suggest_categorical(dimension.key, dimension.options))
    if dimension.whole:
        low = int(dimension.low)
        high = int(dimension.high)
        return asked.suggest_int(dimension.key, low, high, log=dimension.log, step=int(dimension.step or 1))
    drawn = asked.suggest_float(dimension.key, dimension.low, dimension.high, log=dimension.log, step=dimension.step)
    return rounded(drawn, dimension) if dimension.step is None else stepped(drawn, dimension)


def _is_control(definition: Definition, number: int) -> bool:
    """Whether chance chooses a trial: the share of controls is spread evenly over the study."""
    if issubclass(target_of(definition.search.method), RandomSampler | GridSampler):
        return False  # chance chooses anyway, or each point is tried once
    share = definition.search.control
    before = math.floor(number * share + 1e-9)
    return math.floor((number + 1) * share + 1e-9) > before


def _seed(seed: int, number: int) -> int:
    """Return the sampler's seed for a trial, from the seed of the study."""
    return int(np.random.SeedSequence(entropy=seed, spawn_key=(number,)).generate_state(1)[0] >> 1)


def make_sampler(definition: Definition, seed: int) -> BaseSampler:
    """Return the study's sampler; raise UserError for options that it refuses."""
    node = definition.search.method
    offered: dict[str, Any] = {"seed": seed, "independent_sampler": RandomSampler(seed=seed)}
    target = target_of(node)
    if issubclass(target, QMCSampler | GridSampler):
        offered["seed"] = definition.options.seed  # all points are of one sequence
    if issubclass(target, GridSampler):
        offered["search_space"] = grid(definition.space)
    with quiet():
        sampler: BaseSampler = made(node, "hydra.sweeper.method", offered)
    return sampler


def grid(space: Space) -> dict[str, list[Value]]:
    """Return all values of each key; raise UserError if there is no end of them, or if there are conditions."""
    if space.conditions:
        raise UserError("hydra/sweeper/method=grid: every combination is tried, so there are no conditions")
    return {dimension.key: _all_values(dimension) for dimension in space.dimensions}


def _all_values(dimension: Dimension) -> list[Value]:
    values = values_of(dimension)
    if values is None:
        raise UserError(f"{dimension.key}={dimension.text}: a grid needs choice(A,B) or range(START,STOP,STEP)")
    return list(values)


def most_trials(definition: Definition) -> int:
    """Return the number of trials of a study: n_trials, or the points of its space if they are fewer."""
    return count(definition.space, definition.options.n_trials)
