"""Where the members of a population come from: their trials, generation by generation, and the values in them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from ddpg.errors import UserError
from ddpg.search.study import Definition
from ddpg.search.trials import Part, Trial


class Stage(NamedTuple):
    """Env steps of a lineage with the same values.

    Args:
        start: where it begins.
        stop: where it ends.
        params: the values.
        copied: the trial from whose run it goes on where another member was copied; None where none was.
    """

    start: int
    stop: int
    params: Mapping[str, object]
    copied: int | None


def last_generation(definition: Definition, trials: Mapping[int, Trial]) -> list[Trial]:
    """Return the complete trials of the newest generation all of whose members have ended; [] before the first has.

    Earlier generations have trained less.
    """
    size = definition.population.population
    for generation in reversed(range((max(trials, default=-1) + 1) // size)):
        members = [trials[one] for one in range(generation * size, (generation + 1) * size) if one in trials]
        complete = [trial for trial in members if trial.verdict == "complete"]
        if complete and all(trial.result is not None for trial in members):
            return complete
    return []


def progress(definition: Definition, trials: Mapping[int, Trial]) -> str:
    """Return how far a population is; "" before it begins."""
    if not trials:
        return ""
    newest = part_of(trials[max(trials)]).generation + 1
    return f", generation {newest} of {definition.population.generations}"


def lineage(trials: Mapping[int, Trial], trial: Trial) -> list[Trial]:
    """Return the trials of the training that ends with a trial, the first generation first.

    Raises:
        UserError: the folder of one of them was removed.
    """
    found = [trial]
    while (source := part_of(found[-1]).parent) is not None:
        if source not in trials:
            raise UserError(f"trial {found[-1].number} went on from trial {source}, whose folder was removed")
        found.append(trials[source])
    return found[::-1]


def stages(line: Sequence[Trial]) -> list[Stage]:
    """Return the values of a lineage over env steps; generations without a change are one stage."""
    found: list[Stage] = []
    for trial in line:
        part = part_of(trial)
        if found and trial.params == found[-1].params:
            found[-1] = found[-1]._replace(stop=part.stop)
        else:
            copied = part.parent if trial.origin == "copied" else None
            found.append(Stage(part.start, part.stop, trial.params, copied))
    return found


def part_of(trial: Trial) -> Part:
    """Return which part of a training a member's trial is."""
    assert trial.part is not None
    return trial.part
