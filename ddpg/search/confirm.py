"""`ddpg-sweep confirm`: the best trials again, on seeds that the study has not seen, as a sweep of its own."""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from ddpg.record.provenance import own_configs
from ddpg.record.run_folder import atomic_write
from ddpg.search.best import ending_of, finished
from ddpg.search.confirmation import Confirmation, Look, confirmation_folder
from ddpg.search.launch import begin, start, startable
from ddpg.search.population.confirmation import replay_folder, replayed, require_same_replay
from ddpg.search.recipe import Recipe
from ddpg.search.study import Definition, StudyFolder
from ddpg.search.trials import Trial
from ddpg.sweep.control import changed_options
from ddpg.sweep.freeze import FrozenRun
from ddpg.sweep.launch import train_frozen
from ddpg.sweep.options import Options, options
from ddpg.sweep.state.folder import SweepFolder
from ddpg.sweep.state.table import aligned

#: The seeds of a confirmation come after this one, and after those of the study.
LAST_FOR_TUNING = 1000


def confirm(study: StudyFolder, top: int, seeds: int, changes: Mapping[str, Any]) -> bool:
    """Train the best trials on new seeds in STUDY_confirm, and print how much of their scores was luck.

    Args:
        study: its folder.
        top: how many trials.
        seeds: how many new seeds each of them gets.
        changes: options of the launcher that replace those of the study.

    Returns:
        False if it waited and a run of these trials is not done, otherwise True.

    Raises:
        UserError: no trial is complete yet, or wrong options.
    """
    definition = study.definition()
    chosen = options(changed_options(study.sweep, changes))
    complete = finished(study, definition)
    ending = ending_of(study, definition)
    winners = complete[:top]
    train = _follow if definition.members else _train
    train(study, definition, winners, new_seeds(study, seeds), chosen)
    ended, wanted = ending.ended(study, winners)
    if ended < wanted:
        if chosen.wait:
            print(
                f"no scores yet: {ended} of {wanted} runs have ended by themselves; a kill or a failure of the machine "
                "says nothing about values, so the same command goes on with the others"
            )
        return not chosen.wait
    found = ending.read(study, definition, complete, winners)
    text = report(definition, found)
    print(text)
    with atomic_write(confirmation_folder(study).path / "confirmed.txt") as file:
        file.write(f"{text}\n".encode())
    return not any(look.failed for look in found.confirmed.values())


def _train(
    study: StudyFolder, definition: Definition, winners: Sequence[Trial], seeds: Sequence[int], chosen: Options
) -> None:
    """Train trials on each of some seeds, as a sweep; what it has trained already stays in it."""
    sweep = confirmation_folder(study)
    runs = _runs(study, definition, winners, seeds, sweep)
    train_frozen(sweep, runs, chosen, own_configs(study.sweep.manifest()))


def _follow(
    study: StudyFolder, definition: Definition, winners: Sequence[Trial], seeds: Sequence[int], chosen: Options
) -> None:
    """Follow the schedules of members on each of some seeds, as a study."""
    replay = replayed(study, definition, winners, seeds)
    require_same_replay(study, replay)
    recipe = Recipe.read(definition.space, study.path / "bases")
    launcher = startable(replay, recipe, chosen)
    folder = replay_folder(study)
    begin(folder, replay, recipe, launcher, own_configs(study.sweep.manifest()))
    start(folder, replay, launcher)


def new_seeds(study: StudyFolder, count: int) -> list[int]:
    """Return seeds that no trial of the study has had."""
    known = [seed for trial in study.trials().values() for seed in trial.seeds]
    first = max(LAST_FOR_TUNING, *known) + 1
    return list(range(first, first + count))


def _runs(
    study: StudyFolder, definition: Definition, winners: Sequence[Trial], seeds: Sequence[int], sweep: SweepFolder
) -> list[FrozenRun]:
    """Return the runs of trials on some seeds, and on those that they have had: new ones get the next numbers."""
    recipe = Recipe.read(definition.space, study.path / "bases")
    known = {run.path: run.number for run in sweep.runs} if sweep.exists else {}
    numbers = count(len(known))
    runs = []
    for trial in winners:
        folder = sweep.path / trial.name
        asked = [folder / f"seed_{seed}" for seed in seeds]
        for path in dict.fromkeys([*(path for path in known if path.parent == folder), *asked]):
            number = known[path] if path in known else next(numbers)
            runs.append(recipe.run(number, path, trial.params, int(path.name.removeprefix("seed_"))))
    return runs


def report(definition: Definition, found: Confirmation) -> str:
    """Return tuned beside confirmed scores, and how much of the winner's difference its selection explains."""
    over_seeds = definition.options.over_seeds
    rows = [["trial", "tuned", "95 % interval", "seeds", "confirmed", "95 % interval", "seeds"]]
    for number, tuned in found.tuned.items():
        rows.append([str(number), *_cells(tuned), *_cells(found.confirmed[number])])
    columns = [aligned(column) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]
    head = f"{over_seeds} over the seeds on which trials were chosen, and over new ones"
    return "\n".join([head, *lines, *_failures(found), *_further_looks(found), _explanation(found, over_seeds)])


def _cells(look: Look) -> list[str]:
    seeds = str(len(look.scores))
    if look.total is None:
        return ["", "", seeds]
    score, low, high = look.total
    return [f"{score:.2f}", "" if low is None or high is None else f"[{low:.2f}, {high:.2f}]", seeds]


def _failures(found: Confirmation) -> list[str]:
    """Return a line for each trial with failed runs, which says as what they count."""
    counted = "left out" if found.worst is None else f"counted as {found.worst:.2f}, the worst of all runs"
    return [
        f"trial {number}: failed on {look.failed} of the new seeds, {counted}"
        for number, look in found.confirmed.items()
        if look.failed
    ]


def _further_looks(found: Confirmation) -> list[str]:
    """Return a line for each trial that got more seeds after an earlier look."""
    return [
        f"trial {number}: {len(look.scores)} seeds in {look.times} looks; where an earlier look decides that there are "
        "more, a 95 % interval misses the true score more often"
        for number, look in found.confirmed.items()
        if look.times > 1
    ]


def _explanation(found: Confirmation, over_seeds: str) -> str:
    """Return how much of the winner's difference comes from having been chosen."""
    if found.expected is None:
        is_centre = over_seeds in ("mean", "median")
        why = "one seed shows no noise" if is_centre else f"the {over_seeds} moves with the number of seeds"
        return f"how much of the difference the choice of the best explains is not known: {why}"
    difference = "none, because all runs failed" if found.difference is None else f"{found.difference:+.2f}"
    return (
        f"the best of {found.trials} trials was chosen by its score, so on other seeds a difference of "
        f"{found.expected:+.2f} is expected from that alone; found: {difference}"
    )
