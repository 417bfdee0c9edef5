"""The options of hydra/sweeper=search; conf/hydra/sweeper/search.yaml has their values and what they mean."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Annotated, Any, Literal

from ddpg.config.signature import Target, fit
from ddpg.distribution import install_hint
from ddpg.errors import UserError
from ddpg.ranges import Count, Fraction, PositiveInt

#: From the scores of the runs to that of the trial.
OverSeeds = Literal["mean", "median", "min", "max"]
#: What the program adds to the constructors of samplers and pruners that ask for it.
GIVEN_TO_SAMPLERS = ("seed", "independent_sampler", "search_space")
GIVEN_TO_PRUNERS = ("min_resource", "max_resource")


@dataclass(frozen=True)
class SearchOptions:
    """The options of a study, beside its space."""

    n_trials: PositiveInt
    seeds: PositiveInt | Sequence[Count]
    together: PositiveInt
    direction: Literal["maximize", "minimize"]
    metric: str
    last: PositiveInt
    over_seeds: OverSeeds
    failed: Literal["worst", "fail"]
    max_kills: PositiveInt
    control: Fraction
    seed: Count
    workers: PositiveInt | None
    prune_after: Fraction
    widen: bool
    study_name: str | None
    method: Annotated[Mapping[str, Any], Target(*GIVEN_TO_SAMPLERS)]
    pruner: Annotated[Mapping[str, Any], Target(*GIVEN_TO_PRUNERS)]


def search_options(values: Mapping[str, Any]) -> SearchOptions:
    """Return the options of a study.

    Raises:
        UserError: an unknown key, a wrong type, a number out of range, or seeds that repeat.
    """
    try:
        chosen = SearchOptions(**fit(dict(values), SearchOptions))
    except UserError as error:
        raise UserError(f"hydra.sweeper.{error}") from error
    if not isinstance(chosen.seeds, int) and len(set(chosen.seeds)) != max(len(chosen.seeds), 1):
        raise UserError(f"hydra.sweeper.seeds={list(chosen.seeds)}: each seed is named once, and there is at least one")
    return chosen


def require_optuna() -> None:
    """Raise UserError if Optuna is not installed."""
    if find_spec("optuna") is None:
        raise UserError(f"hydra/sweeper=search needs Optuna 5: {install_hint('search')}")


def tuning_seeds(chosen: SearchOptions, first: int) -> list[int]:
    """Return the seeds of a trial's runs; `first` is the `seed` of the config."""
    if isinstance(chosen.seeds, int):
        return list(range(first, first + chosen.seeds))
    return list(chosen.seeds)
