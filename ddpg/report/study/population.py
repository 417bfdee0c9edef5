"""A population as a JSON object: its generations, and the values of each lineage over env steps."""

from collections.abc import Mapping
from typing import Any

from ddpg.errors import UserError
from ddpg.search.options import PopulationOptions
from ddpg.search.population.lineage import last_generation, lineage, part_of, stages
from ddpg.search.study import Definition
from ddpg.search.table import ranked
from ddpg.search.trials import Trial


def population_panels(definition: Definition, trials: Mapping[int, Trial]) -> dict[str, Any] | None:
    """Return what is drawn of a population beside its trials; None for other studies.

    `others` are the folders of the trials whose scores are not compared, by name: all but those of the newest
    generation that has ended, if one has.
    """
    if not isinstance(definition.kind, PopulationOptions):
        return None
    members = ranked(last_generation(definition, trials), definition)
    lines = {trial.number: _lineage(trials, trial) for trial in members}
    return {
        "members": definition.kind.population,
        "generations": definition.kind.generations,
        "total_steps": definition.total_steps,
        "scores": _scores(definition, trials),
        "others": [trial.name for trial in trials.values() if lines and trial.number not in lines],
        "lineages": [
            {
                "trial": number,
                "trials": [trial.number for trial in line],
                "stages": [stage._asdict() for stage in stages(line)],
            }
            for number, line in lines.items()
        ],
    }


def _scores(definition: Definition, trials: Mapping[int, Trial]) -> list[list[float | None]]:
    """Return the scores of the members, generation by generation; None for one that failed or has not ended."""
    found: list[list[float | None]] = [[] for _ in range(definition.population.generations)]
    for trial in trials.values():
        found[part_of(trial).generation].append(trial.score)
    return [scores for scores in found if scores]


def _lineage(trials: Mapping[int, Trial], trial: Trial) -> list[Trial]:
    """Return the trials of a training; none where the folder of one was removed."""
    try:
        return lineage(trials, trial)
    except UserError:
        return []
