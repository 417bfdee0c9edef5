"""The trials of hydra/sweeper=pbt: each is a member in one generation.

Trial g * population + s is member s in generation g. All members of a generation end before the next one begins, and
what is drawn for a trial depends on the study's seed and the trial's number, so the study is the same with one worker
or forty.
"""

from collections.abc import Mapping, Sequence

from ddpg.errors import UserError
from ddpg.search.population.lineage import part_of
from ddpg.search.population.rules import bounds, explored, first_values, generator, parent
from ddpg.search.space import Value
from ddpg.search.study import Definition
from ddpg.search.trials import Origin, Part, Trial
from ddpg.sweep.state.folder import timestamp


def next_member(definition: Definition, trials: Mapping[int, Trial], number: int) -> Trial | None:
    """Return a member in a generation; None while the generation before has not ended.

    Raises:
        UserError: all members of the generation before have failed.
    """
    options = definition.population
    generation, slot = divmod(number, options.population)
    rng = generator(definition.options.seed, number)
    if generation == 0:
        return _member(definition, number, first_values(definition.space, rng), "first", None)
    first = (generation - 1) * options.population
    before = [trials.get(one) for one in range(first, first + options.population)]
    if any(trial is not None and trial.result is None for trial in before):
        return None
    scores = [_score(trial) for trial in before]
    _require_some_success(before, scores)
    chosen = parent(scores, slot, options.truncation, definition.options.direction == "maximize", rng)
    source = before[chosen]
    assert source is not None  # because it has a score
    if chosen == slot:
        return _member(definition, number, source.params, "kept", source)
    values = explored(definition.space, source.params, options, rng)
    return _member(definition, number, values, "copied", source)


def may_be_tried_again(definition: Definition, trials: Mapping[int, Trial], trial: Trial) -> bool:
    """Whether a trial that failed may still succeed: not once the population has gone on without it."""
    return max(trials) < (part_of(trial).generation + 1) * definition.population.population


def _member(
    definition: Definition, number: int, values: Mapping[str, Value], origin: Origin, source: Trial | None
) -> Trial:
    generation, slot = divmod(number, definition.population.population)
    start, stop = bounds(definition.total_steps, definition.population.generations, generation)
    first_seed = definition.seeds[0]
    # a member that copies begins new random streams: neither its parent's nor those after an earlier copy of its slot
    seeds = source.seeds if source is not None and origin == "kept" else (first_seed + number,)
    parent_number = None if source is None else source.number
    return Trial(
        number=number,
        params=values,
        origin=origin,
        seeds=seeds,
        asked=timestamp(),
        attrs={},
        study_attrs={},
        # members are compared with each other, so they are evaluated from the same starts
        part=Part(slot, generation, parent_number, start, stop, eval_seed=first_seed),
    )


def _score(trial: Trial | None) -> float | None:
    """Return the score of a member; None if it failed, or if its folder was removed."""
    return None if trial is None else trial.score


def _require_some_success(members: Sequence[Trial | None], scores: Sequence[float | None]) -> None:
    if any(score is not None for score in scores):
        return
    reasons = [trial.result.why for trial in members if trial is not None and trial.result is not None]
    last = f", the last with {reasons[-1]}" if reasons else ""
    raise UserError(f"all {len(members)} members of a generation failed{last}; when that is mended: ddpg-sweep retry")
