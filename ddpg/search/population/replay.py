"""The trials of a population's second look: on each new seed a member follows the schedule of a winner.

Each member goes on by itself from generation to generation: it waits for nobody and copies nobody. Where its run fails,
its training has ended.
"""

from collections.abc import Mapping

from ddpg.search.population.lineage import part_of
from ddpg.search.study import Definition
from ddpg.search.trials import Part, Trial
from ddpg.sweep.state.folder import timestamp


def next_follower(definition: Definition, trials: Mapping[int, Trial], number: int) -> Trial | None:
    """Return the next part of the first member that can go on; None while none can."""
    newest = newest_parts(trials)
    for slot in range(len(definition.seeds)):
        before = newest.get(slot)
        if before is None:
            return _follower(definition, number, slot, 0, None)
        generation = part_of(before).generation + 1
        if before.verdict == "complete" and generation < len(definition.replay.stops):
            return _follower(definition, number, slot, generation, before.number)
    return None


def newest_parts(trials: Mapping[int, Trial]) -> dict[int, Trial]:
    """Return the newest trial of each member that has begun, by its slot."""
    return {trial.part.slot: trial for _, trial in sorted(trials.items()) if trial.part is not None}


def winner_of(definition: Definition, slot: int) -> int:
    """Return the place of the winner whose schedule a member follows."""
    return slot // (len(definition.seeds) // len(definition.replay.winners))


def expected_parts(definition: Definition, trials: Mapping[int, Trial]) -> int:
    """Return how many trials there will be: n_trials, without those that will not come because one before failed."""
    failed = [trial for trial in trials.values() if trial.verdict == "failed"]
    last = len(definition.replay.stops) - 1
    return definition.options.n_trials - sum(last - part_of(trial).generation for trial in failed)


def _follower(definition: Definition, number: int, slot: int, generation: int, source: int | None) -> Trial:
    stops = definition.replay.stops
    return Trial(
        number=number,
        params=definition.replay.schedules[winner_of(definition, slot)][generation],
        origin="schedule",
        seeds=(definition.seeds[slot],),
        asked=timestamp(),
        attrs={},
        study_attrs={},
        part=Part(slot, generation, source, [0, *stops][generation], stops[generation], eval_seed=None),
    )
