"""The options of studies: what all have, and what each kind has beside; conf/hydra/sweeper has what they mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from importlib.util import find_spec
from typing import Annotated, Any, Literal, TypeVar

from ddpg.config.signature import Target, fit
from ddpg.config.spelling import as_written, nearest
from ddpg.distribution import install_hint
from ddpg.errors import UserError
from ddpg.ranges import AtMostHalf, Count, Fraction, Positive, PositiveInt

#: From the scores of the runs to that of the trial.
OverSeeds = Literal["mean", "median", "min", "max"]
#: The keys of the sweeper's node that say where a study searches.
OF_THE_SPACE = ("params", "conditions")
#: What the program adds to the constructors of samplers and pruners that ask for it.
GIVEN_TO_SAMPLERS = ("seed", "independent_sampler", "search_space")
GIVEN_TO_PRUNERS = ("min_resource", "max_resource")


@dataclass(frozen=True)
class StudyOptions:
    """Options of every study: how many trials, what their scores are, and how they are trained."""

    n_trials: PositiveInt
    together: PositiveInt
    direction: Literal["maximize", "minimize"]
    metric: str
    last: PositiveInt
    over_seeds: OverSeeds
    failed: Literal["worst", "fail"]
    max_kills: PositiveInt
    seed: Count
    workers: PositiveInt | None
    study_name: str | None


@dataclass(frozen=True)
class SearchOptions:
    """Further options of hydra/sweeper=search: how trials are chosen, and when they are stopped."""

    seeds: PositiveInt | Sequence[Count]
    control: Fraction
    prune_after: Fraction
    widen: bool
    method: Annotated[Mapping[str, Any], Target(*GIVEN_TO_SAMPLERS)]
    pruner: Annotated[Mapping[str, Any], Target(*GIVEN_TO_PRUNERS)]

    def seeds_from(self, first: int) -> list[int]:
        """Return the seeds of each trial's runs; `first` is the `seed` of the config."""
        return list(range(first, first + self.seeds) if isinstance(self.seeds, int) else self.seeds)


@dataclass(frozen=True)
class PopulationOptions:
    """Further options of hydra/sweeper=pbt: how many members, how many generations, who copies, and how values change.

    `inherited` are the keys of the space that a copy does not change, because a run cannot go on with another value.
    """

    population: PositiveInt
    generations: PositiveInt
    truncation: AtMostHalf
    perturb: Sequence[Positive]
    resample: Fraction
    inherited: Sequence[str]

    def seeds_from(self, first: int) -> list[int]:
        """Return the seeds with which members begin; `first` is the `seed` of the config."""
        return list(range(first, first + self.population))


@dataclass(frozen=True)
class ReplayOptions:
    """Further options of the second look at a population: schedules that its members follow.

    Args:
        winners: the trials of the population whose schedules they are.
        schedules: for each winner the values of each generation.
        stops: the env steps at which the generations end.
    """

    winners: Sequence[int]
    schedules: Sequence[Sequence[Mapping[str, Any]]]
    stops: Sequence[int]


Kind = SearchOptions | PopulationOptions | ReplayOptions
AKind = TypeVar("AKind", SearchOptions, PopulationOptions)

#: The kinds of studies by the names that study.json has for them.
KINDS: Mapping[str, type[Kind]] = {"search": SearchOptions, "pbt": PopulationOptions, "replay": ReplayOptions}


def name_of(kind: Kind) -> str:
    """Return the name of a kind."""
    return next(name for name, one in KINDS.items() if isinstance(kind, one))


def search_options(values: Mapping[str, Any]) -> tuple[StudyOptions, SearchOptions]:
    """Return the options of a study of hydra/sweeper=search.

    Raises:
        UserError: an unknown key, a wrong type, a number out of range, or seeds that repeat.
    """
    common, own = _fitted(values, SearchOptions, {})
    if not isinstance(own.seeds, int) and len(set(own.seeds)) != max(len(own.seeds), 1):
        raise UserError(f"hydra.sweeper.seeds={list(own.seeds)}: each seed is named once, and there is at least one")
    return common, own


def population_options(values: Mapping[str, Any]) -> tuple[StudyOptions, PopulationOptions]:
    """Return the options of a study of hydra/sweeper=pbt.

    Raises:
        UserError: an unknown key, a wrong type, a number out of range, nobody to copy, or no factor.
    """
    others = next((key for key in OF_POPULATIONS if key in values), None)
    if others is not None:
        raise UserError(
            f"hydra.sweeper.{others}={values[others]}: hydra/sweeper=pbt has no such key; its trials are population "
            "times generations, of one run each"
        )
    common, own = _fitted(values, PopulationOptions, OF_POPULATIONS)
    if own.population < 2:
        raise UserError("hydra.sweeper.population=1: a population has at least 2 members, or there is nobody to copy")
    if not own.perturb:
        raise UserError("hydra.sweeper.perturb=[]: there is at least one factor, as in [0.8,1.2]")
    return replace(common, n_trials=own.population * own.generations), own


#: What a member of a population is: one run, which has no score if it fails. The first and last follow from others.
OF_POPULATIONS: Mapping[str, Any] = {
    "n_trials": 1,
    "together": 1,
    "over_seeds": "mean",
    "failed": "fail",
    "inherited": [],
}


def _fitted(values: Mapping[str, Any], kind: type[AKind], fixed: Mapping[str, Any]) -> tuple[StudyOptions, AKind]:
    """Return options as both classes have them; `fixed` are those that the program sets."""
    common: set[str] = {field.name for field in fields(StudyOptions)}
    own: set[str] = {field.name for field in fields(kind)}
    known = {*common, *own, *OF_THE_SPACE} - fixed.keys()
    unknown = next((key for key in values if key not in known), None)
    if unknown is not None:
        near = nearest(unknown, known, most=30)
        raise UserError(f"hydra.sweeper.{unknown}={as_written(values[unknown])}: there is no such key{near}")
    given = {**values, **fixed}
    try:
        return (
            StudyOptions(**fit({key: value for key, value in given.items() if key in common}, StudyOptions)),
            kind(**fit({key: value for key, value in given.items() if key in own}, kind)),
        )
    except UserError as error:
        raise UserError(f"hydra.sweeper.{error}") from error


def require_optuna() -> None:
    """Raise UserError if Optuna is not installed."""
    if find_spec("optuna") is None:
        raise UserError(f"a study needs Optuna 5: {install_hint('search')}")
