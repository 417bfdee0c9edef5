"""`ddpg-sweep confirm`: the best trials again, on seeds that the study has not seen, as a sweep of its own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ddpg.errors import UserError
from ddpg.record.run_folder import atomic_write
from ddpg.search.best import finished
from ddpg.search.recipe import Recipe
from ddpg.search.score import read_curve, run_score
from ddpg.search.selection import optimism, t_interval
from ddpg.search.study import Definition, StudyFolder
from ddpg.search.trials import Trial
from ddpg.sweep.control import changed_options
from ddpg.sweep.freeze import FrozenRun
from ddpg.sweep.launch import train_frozen
from ddpg.sweep.options import options
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
        False if a run is not done, otherwise True.

    Raises:
        UserError: no trial is complete yet, or wrong options.
    """
    definition = study.definition()
    chosen = options(changed_options(study.sweep, changes))
    winners = finished(study, definition)[:top]
    folder = study.path.resolve()  # "." has no name
    sweep = SweepFolder(folder.with_name(f"{folder.name}_confirm"))
    runs = _runs(study, definition, winners, new_seeds(definition, seeds), sweep.path)
    ended = train_frozen(sweep, runs, chosen)
    if not all(one.state == "done" for one in ended):
        return not chosen.wait
    text = report(study, definition, winners, sweep.path, seeds)
    print(text)
    with atomic_write(sweep.path / "confirmed.txt") as file:
        file.write(f"{text}\n".encode())
    return True


def new_seeds(definition: Definition, count: int) -> list[int]:
    """Return seeds that no trial of the study has had."""
    first = max(LAST_FOR_TUNING, *definition.seeds) + 1
    return list(range(first, first + count))


def _runs(
    study: StudyFolder, definition: Definition, winners: Sequence[Trial], seeds: Sequence[int], folder: Path
) -> list[FrozenRun]:
    recipe = Recipe.read(definition.space, study.path / "bases")
    pairs = [(trial, seed) for trial in winners for seed in seeds]
    return [
        recipe.run(number, folder / trial.name / f"seed_{seed}", trial.params, seed)
        for number, (trial, seed) in enumerate(pairs)
    ]


def report(study: StudyFolder, definition: Definition, winners: Sequence[Trial], folder: Path, seeds: int) -> str:
    """Return tuned beside confirmed scores, and how much of the winner's difference its selection explains."""
    rows = [["trial", "tuned", "95 % interval", "confirmed", "95 % interval", "difference"]]
    differences = []
    for trial in winners:
        tuned = t_interval(_scores(study.path / trial.name, trial.seeds, definition))
        confirmed = t_interval(_scores(folder / trial.name, new_seeds(definition, seeds), definition))
        differences.append(confirmed.mean - tuned.mean)
        rows.append(
            [
                str(trial.number),
                f"{tuned.mean:.2f}",
                f"[{tuned.low:.2f}, {tuned.high:.2f}]",
                f"{confirmed.mean:.2f}",
                f"[{confirmed.low:.2f}, {confirmed.high:.2f}]",
                f"{differences[-1]:+.2f}",
            ]
        )
    columns = [aligned(column) for column in zip(*rows, strict=True)]
    lines = ["  ".join(cells).rstrip() for cells in zip(*columns, strict=True)]
    head = f"means of {len(definition.seeds)} seeds for tuning, and of {seeds} new ones"
    return "\n".join([head, *lines, _explanation(study, definition, differences[0])])


def _explanation(study: StudyFolder, definition: Definition, difference: float) -> str:
    """Return how much of the winner's difference comes from having been chosen."""
    order = finished(study, definition)
    scores = [_scores(study.path / trial.name, trial.seeds, definition) for trial in order]
    maximize = definition.options.direction == "maximize"
    expected = optimism(scores, maximize)
    if expected is None:
        return "how much of the difference the choice of the best explains is not known: one seed shows no noise"
    signed = -expected if maximize else expected
    return (
        f"the best of {len(order)} trials was chosen by its score, so on other seeds a difference of {signed:+.2f} is "
        f"expected from that alone; found: {difference:+.2f}"
    )


def _scores(folder: Path, seeds: Sequence[int], definition: Definition) -> list[float]:
    """Return the score of the run of each seed; raise UserError if one has none."""
    found = []
    for seed in seeds:
        curve = read_curve(folder / f"seed_{seed}", definition.options.metric)
        if not curve:
            raise UserError(f"{folder / f'seed_{seed}'} has no {definition.options.metric}")
        found.append(run_score(curve, definition.options.last))
    return found
