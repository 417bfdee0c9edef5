"""What is ahead of a study: its trials, how many of them at once, and which that failed may be tried again."""

from collections.abc import Mapping

from ddpg.search.options import PopulationOptions, ReplayOptions, SearchOptions
from ddpg.search.population.replay import lost_parts
from ddpg.search.study import Definition
from ddpg.search.trials import Trial


def expected_trials(definition: Definition, trials: Mapping[int, Trial]) -> int:
    """Return how many trials a study will have: n_trials, without those whose training ended before by a failure."""
    lost = lost_parts(definition, trials) if isinstance(definition.kind, ReplayOptions) else 0
    return definition.options.n_trials - lost


def may_be_tried_again(definition: Definition, trials: Mapping[int, Trial], trial: Trial) -> bool:
    """Whether a trial that failed may still succeed: not once a population has gone on without it."""
    if not isinstance(definition.kind, PopulationOptions):
        return True
    assert trial.part is not None
    return max(trials) < (trial.part.generation + 1) * definition.kind.population


def trials_at_once(definition: Definition) -> int:
    """Return how many trials can be trained at the same time."""
    if isinstance(definition.kind, SearchOptions):
        return definition.options.n_trials
    return len(definition.seeds)  # a trial for each member
