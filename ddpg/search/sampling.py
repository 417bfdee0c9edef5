"""Chooses the parameters of the next trial: Optuna's samplers on a study in memory, which is made from the folders.

A sampler gets a seed for each trial, so what it chooses depends on the study's seed, the trial's number and the trials
before it, and on nothing that a killed process could take with it.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from optuna.samplers import BaseSampler, GridSampler, QMCSampler, RandomSampler
from optuna.trial import Trial as Asked

from ddpg.errors import UserError
from ddpg.search.optuna_study import MemoryStudy, made, quiet, target_of
from ddpg.search.space import Choice, Dimension, Space, Value, rounded
from ddpg.search.study import Definition
from ddpg.search.trials import Trial
from ddpg.sweep.state.folder import timestamp


def propose(definition: Definition, trials: Mapping[int, Trial], number: int) -> Trial:
    """Return the next trial of a study.

    Args:
        definition: of the study.
        trials: those before it; its sampler sees them.
        number: of the new trial.
    """
    is_control = _is_control(definition, number)
    seed = _seed(definition.options.seed, number)
    sampler = RandomSampler(seed=seed) if is_control else make_sampler(definition, seed)
    with quiet():
        study = MemoryStudy(definition, trials, number, sampler=sampler)
        asked = study.optuna.ask()
        params = _drawn(asked, definition.space)
        attrs = study.attrs(number)
    return Trial(
        number=number,
        params=params,
        origin="control" if is_control else "sampler",
        seeds=definition.seeds,
        asked=timestamp(),
        attrs=attrs,
        study_attrs=study.study_attrs(),
    )


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
    return drawn if dimension.step is not None else rounded(drawn, dimension)


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
    if isinstance(dimension, Choice):
        return list(dimension.options)
    step = dimension.step or (1 if dimension.whole else None)
    if step is None or dimension.log:
        raise UserError(f"{dimension.key}={dimension.text}: a grid needs choice(A,B) or range(START,STOP,STEP)")
    count = round((dimension.high - dimension.low) / step) + 1
    values = [dimension.low + step * place for place in range(count)]
    return [int(value) for value in values] if dimension.whole else list(values)


def most_trials(definition: Definition) -> int:
    """Return the number of trials of a study: n_trials, or the points of its grid if they are fewer."""
    wanted = definition.options.n_trials
    if not issubclass(target_of(definition.search.method), GridSampler):
        return wanted
    return min(wanted, math.prod(len(values) for values in grid(definition.space).values()))
