"""The second look at a study's best, as reports read it: at trials on new seeds, or at schedules of a population."""

from collections.abc import Sequence

from ddpg.search.confirmation import Confirmation, looked_at, read_confirmation
from ddpg.search.options import PopulationOptions
from ddpg.search.population.confirmation import followed, read_replay
from ddpg.search.study import Definition, StudyFolder
from ddpg.search.trials import Trial


def ended_of(study: StudyFolder, definition: Definition) -> tuple[int, int]:
    """Count the runs of a second look that have ended, and all of them."""
    return followed(study) if isinstance(definition.kind, PopulationOptions) else looked_at(study)


def read_second_look(study: StudyFolder, definition: Definition, contenders: Sequence[Trial]) -> Confirmation:
    """Read the scores of a second look that has ended; `contenders` are those among whom it chose, the best first.

    Raises:
        UserError: a run has lost its record.
    """
    read = read_replay if isinstance(definition.kind, PopulationOptions) else read_confirmation
    return read(study, definition, contenders)
