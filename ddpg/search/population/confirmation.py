"""The second look at a population: the schedules of its best members again, on seeds that it has not seen.

It is a study of its own, whose members follow the schedules.
"""

from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

from ddpg.errors import UserError
from ddpg.search.confirmation import Confirmation, confirmation_folder, look
from ddpg.search.options import ReplayOptions
from ddpg.search.population.lineage import lineage, part_of
from ddpg.search.population.replay import expected_parts, newest_parts, winner_of
from ddpg.search.study import Definition, StudyFolder
from ddpg.search.trials import Trial


def replayed(study: StudyFolder, definition: Definition, winners: Sequence[Trial], seeds: Sequence[int]) -> Definition:
    """Return the study in which each winner's schedule is followed on each of some seeds.

    Raises:
        UserError: the folder of a trial that a winner comes from was removed.
    """
    trials = study.trials()
    lines = [lineage(trials, winner) for winner in winners]
    stops = [part_of(trial).stop for trial in lines[0]]
    return replace(
        definition,
        name=replay_folder(study).path.name,
        options=replace(definition.options, n_trials=len(winners) * len(seeds) * len(stops), study_name=None),
        kind=ReplayOptions(
            winners=[winner.number for winner in winners],
            schedules=[[trial.params for trial in line] for line in lines],
            stops=stops,
        ),
        seeds=tuple(seeds) * len(winners),
    )


def replay_folder(study: StudyFolder) -> StudyFolder:
    """Return the folder of the second look, which may not exist."""
    return StudyFolder(confirmation_folder(study).path)


def require_same_replay(study: StudyFolder, now: Definition) -> None:
    """Raise UserError if the folder holds another second look."""
    folder = replay_folder(study)
    if not folder.exists:
        return
    before = folder.definition()
    if (before.kind, before.seeds) != (now.kind, now.seeds):
        raise UserError(
            f"{folder.path} holds the second look at trials {_listed(before)}, not at {_listed(now)}: move it away, or "
            "name these with top= and seeds="
        )


def _listed(definition: Definition) -> str:
    numbers = ", ".join(map(str, definition.replay.winners))
    return f"{numbers} on {len(definition.seeds) // len(definition.replay.winners)} seeds"


def followed(study: StudyFolder, winners: Sequence[Trial]) -> tuple[int, int]:
    """Count the parts of the second look that have ended, and all that there will be; its winners are all there are."""
    folder = replay_folder(study)
    trials = folder.trials()
    ended = sum(trial.result is not None for trial in trials.values())
    return ended, expected_parts(folder.definition(), trials)


def read_replay(
    study: StudyFolder, definition: Definition, members: Sequence[Trial], winners: Sequence[Trial]
) -> Confirmation:
    """Read the scores of a second look that has ended.

    Args:
        study: the folder of the population.
        definition: of the population.
        members: its newest generation.
        winners: all that the second look has are shown, also of a generation before, if the population has gone on.
    """
    folder = replay_folder(study)
    replay = folder.definition()
    scores: dict[int, list[float | None]] = {number: [] for number in replay.replay.winners}
    for slot, trial in sorted(newest_parts(folder.trials()).items()):
        scores[replay.replay.winners[winner_of(replay, slot)]].append(_score(replay, trial))
    trials = study.trials()
    tuned = {number: trials[number].score for number in scores if number in trials}
    known = [score for score in chain(*scores.values(), tuned.values()) if score is not None]
    worst = (min if definition.options.direction == "maximize" else max)(known)
    return Confirmation(
        tuned={number: look([value], worst, definition) for number, value in tuned.items()},
        confirmed={number: look(scores[number], worst, definition) for number in tuned},
        trials=len(members),
        expected=None,  # one run of each member shows no noise
        worst=worst,
    )


def _score(definition: Definition, trial: Trial) -> float | None:
    """Return the score of a member at its end; None if it failed."""
    assert trial.part is not None
    return trial.score if trial.part.stop == definition.replay.stops[-1] else None
