"""Which trial comes next: each kind of study has rules of its own."""

from collections.abc import Mapping

from ddpg.search.options import PopulationOptions, ReplayOptions
from ddpg.search.population.members import next_member
from ddpg.search.population.replay import next_follower
from ddpg.search.sampling import propose as propose_by_sampler
from ddpg.search.study import Definition
from ddpg.search.trials import Trial


def propose(definition: Definition, trials: Mapping[int, Trial], number: int) -> Trial | None:
    """Return the next trial of a study; None while it depends on trials that have not ended.

    Args:
        definition: of the study.
        trials: those before it.
        number: of the new trial.

    Raises:
        UserError: all members of a generation have failed, so no other can come.
    """
    if isinstance(definition.kind, PopulationOptions):
        return next_member(definition, trials, number)
    if isinstance(definition.kind, ReplayOptions):
        return next_follower(definition, trials, number)
    return propose_by_sampler(definition, trials, number)
