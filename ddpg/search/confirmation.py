"""The second look at a study's best trials, in numbers: their scores on new seeds beside those that chose them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path

from ddpg.errors import UserError
from ddpg.search.score import read_curve, run_score
from ddpg.search.selection import Interval, interval, optimism
from ddpg.search.study import Definition, StudyFolder
from ddpg.search.trials import Trial
from ddpg.sweep.state.folder import SweepFolder
from ddpg.sweep.state.summary import summarize


@dataclass(frozen=True)
class Look:
    """A trial on some seeds.

    Args:
        scores: of each seed; a run that failed has the worst score of all, or with failed=fail none.
        failed: how many of the runs failed or diverged.
        total: what the seeds say together; None without scores.
        times: how often seeds were trained, each time more of them.
    """

    scores: tuple[float, ...]
    failed: int
    total: Interval | None
    times: int = 1


@dataclass(frozen=True)
class Confirmation:
    """The best trials of a study, the best first.

    Args:
        tuned: each trial on the seeds on which it was chosen, by its number.
        confirmed: the same trials on new seeds.
        trials: how many complete trials the winner was chosen from.
        expected: by how much the winner's score is expected to differ on other seeds because it was chosen; None where
            that is not known.
        worst: the score as which a failed run counts; None with failed=fail.
    """

    tuned: Mapping[int, Look]
    confirmed: Mapping[int, Look]
    trials: int
    expected: float | None
    worst: float | None

    @property
    def difference(self) -> float | None:
        """By how much the winner's score differs on the new seeds; None if all its runs failed."""
        winner = next(iter(self.tuned))
        before = self.tuned[winner].total
        now = self.confirmed[winner].total
        return None if before is None or now is None else now.score - before.score


def confirmation_folder(study: StudyFolder) -> SweepFolder:
    """Return the folder of a study's second look, which may not exist."""
    folder = study.path.resolve()  # "." has no name
    return SweepFolder(folder.with_name(f"{folder.name}_confirm"))


def confirmed_runs(sweep: SweepFolder) -> dict[int, list[Path]]:
    """Return the run folders of a second look by the numbers of their trials."""
    found: dict[int, list[Path]] = {}
    for run in sweep.runs:
        found.setdefault(_trial_of(run.path), []).append(run.path)
    return found


def looked_at(study: StudyFolder, winners: Sequence[Trial]) -> tuple[int, int]:
    """Count the runs of a second look at some trials that have ended, and all of them.

    One that was killed or stopped by the machine has not ended: it goes on.
    """
    again = confirmed_runs(confirmation_folder(study))
    runs = [summarize(path) for trial in winners for path in again.get(trial.number, [])]
    ended = sum(run.state == "done" or (run.state == "failed" and not run.by_machine) for run in runs)
    return ended, len(runs)


def read_confirmation(
    study: StudyFolder, definition: Definition, complete: Sequence[Trial], winners: Sequence[Trial]
) -> Confirmation:
    """Read the scores of a second look.

    Args:
        study: its folder.
        definition: of the study.
        complete: its complete trials, the best first.
        winners: those of them that are shown, if there was a second look at them; its runs have ended.

    Raises:
        UserError: a run of a complete trial has lost its record.
    """
    options = definition.options
    maximize = options.direction == "maximize"
    tuned = {trial.number: _tuned(study, definition, trial) for trial in complete}
    sweep = confirmation_folder(study)
    again = confirmed_runs(sweep)
    shown = [trial.number for trial in winners if trial.number in again]
    values = {number: [run_value(path, definition) for path in again[number]] for number in shown}
    times = _times(sweep)
    every = chain(*tuned.values(), *values.values())
    known = [score for score in every if score is not None]
    worst = None if options.failed == "fail" else (min if maximize else max)(known)
    is_centre = options.over_seeds in ("mean", "median")  # else it moves with the number of seeds
    excess = optimism(list(tuned.values()), maximize, options.over_seeds) if is_centre else None
    return Confirmation(
        tuned={number: look(tuned[number], worst, definition) for number in values},
        confirmed={
            number: replace(look(found, worst, definition), times=times.get(number, 1))
            for number, found in values.items()
        },
        trials=len(complete),
        expected=None if excess is None else -excess if maximize else excess,
        worst=worst,
    )


def _times(sweep: SweepFolder) -> dict[int, int]:
    """Return how often runs of each trial were trained that had not been before, by the trial's number."""
    found: Counter[int] = Counter()
    known: set[Path] = set()
    runs = sweep.runs
    for submission in sweep.submissions():
        new = {runs[number].path for numbers in submission.tasks.values() for number in numbers} - known
        known |= new
        found.update({_trial_of(path) for path in new})
    return found


def _trial_of(run: Path) -> int:
    """Return the number of the trial that a run folder of a second look is of."""
    return int(run.parent.name.removeprefix("trial_"))


def _tuned(study: StudyFolder, definition: Definition, trial: Trial) -> list[float]:
    """Return the score of each run of a complete trial."""
    values = [run_value(study.run_folder(trial, seed), definition) for seed in trial.seeds]
    scores = [value for value in values if value is not None]
    if len(scores) < len(values):
        raise UserError(f"{study.path}: a run of trial {trial.number} has no {definition.options.metric}")
    return scores


def run_value(run: Path, definition: Definition) -> float | None:
    """Return the score of a run; None if it failed, diverged or is not done."""
    curve = read_curve(run, definition.options.metric)
    if not curve or summarize(run).state != "done":
        return None
    score = run_score(curve, definition.options.last)
    return score if score == score else None


def look(values: Sequence[float | None], worst: float | None, definition: Definition) -> Look:
    """Return what some runs say together; a failed one, None, counts as the worst, or is left out if there is none."""
    counted = [worst if value is None else value for value in values]
    scores = tuple(value for value in counted if value is not None)
    total = interval(scores, definition.options.over_seeds) if scores else None
    return Look(scores, sum(value is None for value in values), total)
