"""A study in Optuna's words, in memory: what its samplers and pruners work on."""

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pkgutil import resolve_name
from statistics import median
from typing import Any

import optuna
from omegaconf import OmegaConf
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.pruners import BasePruner
from optuna.samplers import BaseSampler
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState, create_trial
from optuna.trial import Trial as Asked

from ddpg.run.node import build
from ddpg.search.options import StudyOptions
from ddpg.search.space import Choice, Dimension, Space
from ddpg.search.study import Definition
from ddpg.search.trials import Result, Trial


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out what Optuna says about each trial, and about parts of it that may still change."""
    before = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        optuna.logging.set_verbosity(before)


def target_of(node: Mapping[str, Any]) -> Any:
    """Return the class that a node names."""
    return resolve_name(node["_target_"])


def made(node: Mapping[str, Any], key: str, offered: Mapping[str, Any]) -> Any:
    """Make the sampler or pruner that a node names, with those of `offered` that it asks for.

    Raises:
        UserError: the constructor refuses a value.
    """
    return build(OmegaConf.create(dict(node)), key, **offered)


def distribution(dimension: Dimension) -> BaseDistribution:
    """Return a dimension as Optuna knows it."""
    if isinstance(dimension, Choice):
        return CategoricalDistribution(dimension.options)
    if dimension.whole:
        low = int(dimension.low)
        return IntDistribution(low, int(dimension.high), log=dimension.log, step=int(dimension.step or 1))
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log, step=dimension.step)


def state_of(result: Result | None) -> TrialState:
    """Return the state of a trial in Optuna's words; a failed one that counts as the worst is complete."""
    if result is None:
        return TrialState.RUNNING
    if result.state == "pruned":
        return TrialState.PRUNED
    return TrialState.FAIL if result.value is None else TrialState.COMPLETE


def frozen_trial(trial: Trial, space: Space) -> FrozenTrial:
    """Return a trial as Optuna knows it, with the dimensions that the space has now."""
    result = trial.result
    state = state_of(result)
    frozen = create_trial(
        state=state,
        value=result.value if result is not None and state == TrialState.COMPLETE else None,
        params=dict(trial.params),
        distributions={d.key: distribution(d) for d in space.dimensions if d.key in trial.params},
        system_attrs=dict(trial.attrs),
        user_attrs=user_attrs(trial),
        intermediate_values=dict(trial.values or {}),
    )
    frozen.datetime_start = _naive(trial.asked)
    frozen.datetime_complete = None if result is None else _naive(result.time)
    return frozen


def pruned_as_complete(trials: Mapping[int, Trial], options: StudyOptions) -> dict[int, Trial]:
    """Return trials with complete ones in the place of pruned ones, for what reads complete ones alone.

    Each has its score so far, but none above the median of the complete trials: a pruner has found it worse than others
    of its age, and a seed on which all are good must not make it one of the best.
    """
    scores = [trial.score for trial in trials.values() if trial.verdict == "complete" and trial.score is not None]
    bound = [median(scores)] if scores else []
    worse = min if options.direction == "maximize" else max
    found = dict(trials)
    for number, trial in trials.items():
        if trial.result is not None and trial.result.state == "pruned" and trial.result.value is not None:
            value = worse([trial.result.value, *bound])
            found[number] = trial.changed(result=replace(trial.result, state="complete", value=value))
    return found


def user_attrs(trial: Trial) -> dict[str, Any]:
    """Return what Optuna's tools show beside the parameters of a trial."""
    attrs: dict[str, Any] = {"origin": trial.origin, "folder": trial.name}
    if trial.result is not None and trial.result.state == "failed":
        attrs["failed"] = trial.result.why
    return attrs


def missing_trial() -> FrozenTrial:
    """Return what stands in the place of a trial whose folder was removed, so that the others keep their numbers."""
    return create_trial(state=TrialState.FAIL, user_attrs={"failed": "its folder was removed"})


def _naive(time: str) -> datetime:
    return datetime.fromisoformat(time).astimezone().replace(tzinfo=None)


class MemoryStudy:
    """The trials of a study up to some number, for one question to a sampler or a pruner."""

    def __init__(
        self,
        definition: Definition,
        trials: Mapping[int, Trial],
        count: int,
        sampler: BaseSampler,
        pruner: BasePruner | None = None,
    ) -> None:
        """Make the study in memory.

        Args:
            definition: of the study.
            trials: by their numbers.
            count: how many trials it shall have.
            sampler: whom `ask` asks.
            pruner: whom `should_prune` asks.
        """
        self._storage = InMemoryStorage()
        options = definition.options
        name = f"seed {options.seed}"  # Hyperband draws brackets by the name, and that of a study has the time in it
        self.optuna = optuna.create_study(
            storage=self._storage,
            study_name=name,
            direction=options.direction,
            sampler=sampler,
            pruner=pruner,
        )
        self._id = self._storage.get_study_id_from_name(name)
        for number in range(count):
            trial = trials.get(number)
            self.optuna.add_trial(missing_trial() if trial is None else frozen_trial(trial, definition.space))
        newest = trials[max(trials)].study_attrs if trials else {}
        for name, value in newest.items():
            self._storage.set_study_system_attr(self._id, name, value)

    def attrs(self, number: int) -> dict[str, Any]:
        """Return what sampler and pruner keep about a trial."""
        return dict(self.optuna.get_trials(deepcopy=False)[number].system_attrs)

    def study_attrs(self) -> dict[str, Any]:
        """Return what the sampler keeps about the study."""
        return dict(self._storage.get_study_system_attrs(self._id))

    def should_prune(self, number: int, without: str | None = None) -> bool:
        """Ask the pruner about a trial that is not done, as if it had not kept the attribute `without` about it."""
        if without is not None:
            del self.optuna.get_trials(deepcopy=False)[number].system_attrs[without]
        trial = Asked(self.optuna, self._storage.get_trial_id_from_study_id_trial_number(self._id, number))
        return trial.should_prune()
