"""Holds the rules by which the kinds of studies differ, as functions from the modules that know them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ddpg.search.confirmation import Confirmation, looked_at, read_confirmation
from ddpg.search.experiment import winner_lines
from ddpg.search.options import Kind, PopulationOptions, ReplayOptions, SearchOptions
from ddpg.search.population.best import schedule_lines
from ddpg.search.population.confirmation import followed, read_replay
from ddpg.search.population.lineage import last_generation, progress
from ddpg.search.population.members import may_be_tried_again, next_member
from ddpg.search.population.replay import expected_parts, next_follower
from ddpg.search.study import Definition, StudyFolder
from ddpg.search.trials import Trial

Trials = Mapping[int, Trial]


@dataclass(frozen=True)
class Ending:
    """What is done with the best trials of a study.

    Args:
        unit: what must be complete before there is a best, in a word.
        winner_lines: returns what is said about the first of some trials, the best first, and may write files.
        ended: counts the runs of the second look at some trials that have ended, and all of them.
        read: reads the scores of a second look that has ended; the trials are those among which the best was chosen,
            the best first, and those of them that are shown.
    """

    unit: str
    winner_lines: Callable[[StudyFolder, Definition, Sequence[Trial]], list[str]]
    ended: Callable[[StudyFolder, Sequence[Trial]], tuple[int, int]]
    read: Callable[[StudyFolder, Definition, Sequence[Trial], Sequence[Trial]], Confirmation]


@dataclass(frozen=True)
class Rules:
    """The rules of a kind of studies.

    Args:
        next_trial: returns the trial with a number; None while it depends on trials that have not ended. It raises
            UserError if no other can come, because all members of a generation have failed.
        expected_trials: returns how many trials there will be.
        may_be_tried_again: whether a trial that failed may still succeed.
        contenders: returns the trials among which the best is looked for.
        progress: returns what `status` says beside the number of trials, or "".
        ending: what is done with the best; None where nobody looks for it.
    """

    next_trial: Callable[[Definition, Trials, int], Trial | None]
    expected_trials: Callable[[Definition, Trials], int]
    may_be_tried_again: Callable[[Definition, Trials, Trial], bool]
    contenders: Callable[[Definition, Trials], list[Trial]]
    progress: Callable[[Definition, Trials], str]
    ending: Ending | None


def rules_of(definition: Definition) -> Rules:
    """Return the rules of a study."""
    return RULES[type(definition.kind)]


def _proposed(definition: Definition, trials: Trials, number: int) -> Trial:
    from ddpg.search.sampling import propose  # Optuna, which `status` and reports do without

    return propose(definition, trials, number)


def _all(definition: Definition, trials: Trials) -> int:
    return definition.options.n_trials


def _complete(definition: Definition, trials: Trials) -> list[Trial]:
    return [trial for trial in trials.values() if trial.verdict == "complete"]


RULES: Mapping[type[Kind], Rules] = {
    SearchOptions: Rules(
        next_trial=_proposed,
        expected_trials=_all,
        may_be_tried_again=lambda *_: True,
        contenders=_complete,
        progress=lambda *_: "",
        ending=Ending("trial", winner_lines, looked_at, read_confirmation),
    ),
    PopulationOptions: Rules(
        next_trial=next_member,
        expected_trials=_all,
        may_be_tried_again=may_be_tried_again,
        contenders=last_generation,
        progress=progress,
        ending=Ending("generation", schedule_lines, followed, read_replay),
    ),
    ReplayOptions: Rules(
        next_trial=next_follower,
        expected_trials=expected_parts,
        may_be_tried_again=lambda *_: True,
        contenders=lambda *_: [],
        progress=lambda *_: "",
        ending=None,
    ),
}
