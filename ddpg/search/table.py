"""The text of `ddpg-sweep status` for a study: a line for each trial, the counts, and how to go on."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from ddpg.search.kinds import rules_of
from ddpg.search.space import Space
from ddpg.search.states import TRIAL_STATES, TrialState
from ddpg.search.study import Definition, StudyFolder
from ddpg.search.trials import Result, Trial, short
from ddpg.sweep.state.status import submitters
from ddpg.sweep.state.summary import summarize_all
from ddpg.sweep.state.table import aligned, cut, short_keys
from ddpg.sweep.state.tasks import Task, find_tasks


def status(study: StudyFolder, only: Sequence[str] | None, width: int | None) -> str:
    """Return a table of the trials, their counts, and how to go on.

    Args:
        study: which study.
        only: the states of the trials in the table; None for all.
        width: characters at which lines are cut; None for no limit.
    """
    definition = study.definition()
    trials = study.trials()
    tasks = _tasks(study, trials)
    states = {number: state_of(trial, tasks) for number, trial in trials.items()}
    chosen = [trial for number, trial in trials.items() if only is None or states[number] in only]
    return "\n".join([*table(study, definition.space, chosen, width, states), *_outcome(study, definition, states)])


def ending(study: StudyFolder) -> str:
    """Return what a launcher prints at its end: the trials that failed, the counts, and how to go on."""
    return status(study, ["failed", "interrupted"], width=None)


def state_of(trial: Trial, tasks: Mapping[str, Task]) -> TrialState:
    """Return a word for the state of a trial."""
    if trial.result is not None:
        return trial.result.state
    task = tasks.get(trial.owner or "")
    if task is None or task.fate == "gone":
        return "interrupted"
    return "pending" if task.fate == "waiting" else "running"


def _tasks(study: StudyFolder, trials: Mapping[int, Trial]) -> dict[str, Task]:
    origins = submitters(study.sweep)
    owners = {trial.owner for trial in trials.values() if trial.result is None and trial.owner in origins}
    return find_tasks({owner: origins[owner] for owner in owners if owner is not None})


def table(
    study: StudyFolder,
    space: Space,
    trials: Sequence[Trial],
    width: int | None,
    states: Mapping[int, str] | None = None,
) -> list[str]:
    """Return the lines of a table of trials; no lines without trials.

    Args:
        study: which study.
        space: where it searches; each key has a column.
        trials: in this order.
        width: characters at which lines are cut; None for no limit.
        states: of the trials; None for those that have ended.
    """
    if not trials:
        return []
    keys = [dimension.key for dimension in space.dimensions]
    header = ["trial", *short_keys(keys, _folders(study, trials[0])[0]), "state", "seeds", "score", "what"]
    words = states or {trial.number: state_of(trial, {}) for trial in trials}
    rows = [header, *(_cells(study, trial, keys, words[trial.number]) for trial in trials)]
    columns = [aligned(column) for column in zip(*rows, strict=True)]
    return [cut("  ".join(cells).rstrip(), width) for cells in zip(*columns, strict=True)]


def _cells(study: StudyFolder, trial: Trial, keys: Sequence[str], state: str) -> list[str]:
    done = sum(summary.state == "done" for summary in summarize_all(_folders(study, trial)))
    score = _score(trial)
    return [
        str(trial.number),
        *(short(trial.params.get(key, "")) for key in keys),
        state,
        f"{done} of {len(trial.seeds)}",
        "" if score is None else f"{score:.2f}",
        _what(trial),
    ]


def _folders(study: StudyFolder, trial: Trial) -> list[Path]:
    """Return the run folders of a trial."""
    return [study.path / trial.name / f"seed_{seed}" for seed in trial.seeds]


def _score(trial: Trial) -> float | None:
    """Return the score, or the score so far."""
    if trial.result is not None:
        return trial.result.value
    return trial.values[max(trial.values)] if trial.values else None


def _what(trial: Trial) -> str:
    """Return what else there is to know: a control, a copy, an error, who trains it."""
    result: Result | None = trial.result
    parts = [_origin(trial), result.why if result else trial.owner or ""]
    return "; ".join(filter(None, parts))


def _origin(trial: Trial) -> str:
    """Return where the values of a trial come from, if that is not the usual way."""
    if trial.origin == "copied" and trial.part is not None:
        return f"copied trial {trial.part.parent}"
    return "control" if trial.origin == "control" else ""


def _outcome(study: StudyFolder, definition: Definition, states: Mapping[int, str]) -> list[str]:
    """Return the counts, the best trial, that of the controls, and how to go on."""
    rules = rules_of(definition)
    number = Counter(states.values())
    trials = study.trials()
    listed = ", ".join(f"{number[state]} {state}" for state in TRIAL_STATES if number[state]) or "none yet"
    expected = rules.expected_trials(definition, trials)
    lines = [f"{len(states)} of {expected} trials{rules.progress(definition, trials)}: {listed}"]
    ended = rules.contenders(definition, trials)
    lines += [_best(ended, definition)] if ended else []
    left = expected - number["complete"] - number["pruned"] - number["failed"]
    if left > 0 and not (number["running"] or number["pending"]):
        lines.append(f"go on: ddpg-sweep retry {study.quoted}")
    elif left <= 0 and ended:
        lines.append(f"look further: ddpg-sweep best {study.quoted}")
    return lines


def _best(ended: Sequence[Trial], definition: Definition) -> str:
    best = f"best: {_named(ranked(ended, definition)[0])}"
    control = ranked([trial for trial in ended if trial.origin == "control"], definition)
    return f"{best}; best of {len(control)} random controls: {_named(control[0])}" if control else best


def _named(trial: Trial) -> str:
    assert trial.result is not None
    return f"trial {trial.number}, score {trial.result.value:.2f}"


def ranked(ended: Sequence[Trial], definition: Definition) -> list[Trial]:
    """Return trials that are complete, the best first."""
    sign = -1 if definition.options.direction == "maximize" else 1

    def order(trial: Trial) -> tuple[float, int]:
        assert trial.result is not None
        assert trial.result.value is not None
        return sign * trial.result.value, trial.number

    return sorted(ended, key=order)
