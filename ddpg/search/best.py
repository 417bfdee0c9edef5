"""`ddpg-sweep best`: the best trials of a study, and what is done with the winner."""

from ddpg.errors import UserError
from ddpg.search.kinds import Ending, rules_of
from ddpg.search.study import Definition, StudyFolder
from ddpg.search.table import ranked, table
from ddpg.search.trials import Trial


def best(study: StudyFolder, count: int) -> str:
    """Return the best trials as text, and write the winner as an experiment, or say what made it.

    Args:
        study: its folder.
        count: how many trials are shown.

    Raises:
        UserError: no trial is complete yet.
    """
    definition = study.definition()
    order = finished(study, definition)
    shown = table(study, definition.space, order[:count], width=None)
    return "\n".join([*shown, *ending_of(study, definition).winner_lines(study, definition, order)])


def finished(study: StudyFolder, definition: Definition) -> list[Trial]:
    """Return the trials that are complete, of a population the newest, the best first; UserError if there is none.

    Trials with equal values have equal runs, because they have equal seeds, so the first of them stands for all.
    """
    unit = ending_of(study, definition).unit
    complete = rules_of(definition).contenders(definition, study.trials())
    if not complete:
        raise UserError(f"no {unit} of {study.path} is complete yet: ddpg-sweep status {study.quoted}")
    points: dict[tuple[object, ...], Trial] = {}
    for trial in ranked(complete, definition):
        points.setdefault((*trial.params.items(), *trial.seeds), trial)
    return list(points.values())


def ending_of(study: StudyFolder, definition: Definition) -> Ending:
    """Return what is done with the best of a study; raise UserError for a second look, which has no best."""
    ending = rules_of(definition).ending
    if ending is None:
        raise UserError(f"{study.path} is the second look at a population: ddpg-sweep confirm shows what it found")
    return ending
