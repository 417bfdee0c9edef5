"""A study as a JSON object: its trials, the best so far, importances, and its second look."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from importlib.util import find_spec
from itertools import accumulate, chain
from pathlib import Path
from typing import Any

from ddpg.config.keys import short_key
from ddpg.distribution import install_hint
from ddpg.errors import UserError
from ddpg.report.study.population import population_panels
from ddpg.search.confirmation import Look, confirmation_folder
from ddpg.search.kinds import rules_of
from ddpg.search.options import PopulationOptions, ReplayOptions, SearchOptions
from ddpg.search.space import Choice, Dimension
from ddpg.search.study import Definition, StudyFolder
from ddpg.search.table import ranked
from ddpg.search.trials import Result, Trial

Panels = dict[str, Any]

#: Scores so far of a trial that a page gets; of more, evenly spaced ones.
MOST_VALUES = 60


def studies_of(runs: Iterable[Path]) -> list[StudyFolder]:
    """Return the studies that run folders belong to: STUDY/trial_0007/seed_1."""
    folders = dict.fromkeys(run.parent.parent for run in runs)
    return [study for study in map(StudyFolder, folders) if study.exists]


def all_panels(runs: Iterable[Path]) -> dict[str, Any] | None:
    """Return what is drawn of the studies that run folders belong to; None if they belong to none."""
    found = _told_apart([study_panels(study) for study in studies_of(runs)])
    return {"studies": found} if found else None


def _told_apart(studies: Sequence[Panels]) -> list[Panels]:
    """Name studies that have one name by the ends of their folders' paths, as short as they differ: hopper/pbt."""
    counts = Counter(one["name"] for one in studies)
    endings = [_endings(Path(one["folder"]).absolute()) for one in studies]
    shared = Counter(chain(*endings))
    shortest = [next((end for end in own if shared[end] == 1), own[-1]) for own in endings]
    return [
        one if counts[one["name"]] == 1 else one | {"name": name} for one, name in zip(studies, shortest, strict=True)
    ]


def _endings(folder: Path) -> list[str]:
    """Return the last part of a path, its last two parts, and so on."""
    parts = folder.parts
    return [Path(*parts[place:]).as_posix() for place in reversed(range(len(parts)))]


def study_panels(study: StudyFolder) -> Panels:
    """Return what is drawn of a study; a study that cannot be read is its name and why."""
    try:
        definition = study.definition()
        trials = study.trials()
    except UserError as error:
        return {"name": study.path.name, "folder": str(study.path), "note": str(error)}
    options = definition.options
    keys = [dimension.key for dimension in definition.space.dimensions]
    places = _places(trials.values())
    return {
        "name": definition.name,
        "folder": str(study.path),
        "note": None,
        "score": score_name(definition),
        "direction": options.direction,
        "n_trials": options.n_trials,
        "how": _how(definition),
        "dimensions": [_dimension(one, short_key(one.key, keys)) for one in definition.space.dimensions],
        "trials": [_trial(trial, places.get(trial.number)) for trial in trials.values()],
        "best": best_so_far(trials.values(), options.direction == "maximize"),
        "importances": _importances(definition, trials),
        "confirmation": _confirmation(study, definition, trials),
        "population": population_panels(definition, trials),
    }


def complete_trials(panels: Panels) -> list[dict[str, Any]]:
    """Return the trials that were trained to their ends, of a population its newest generation, the best first."""
    complete = [trial for trial in panels["trials"] if trial["state"] == "complete"]
    if panels["population"]:
        newest = {line["trial"] for line in panels["population"]["lineages"]}
        complete = [trial for trial in complete if trial["number"] in newest]
    sign = -1 if panels["direction"] == "maximize" else 1
    return sorted(complete, key=lambda trial: (sign * trial["value"], trial["number"]))


def folders_of_others(panels: Panels) -> set[Path]:
    """Return the folders of a population's trials outside the newest generation that has ended, if one has."""
    population = panels.get("population") or {"others": []}
    return {Path(panels["folder"], name) for name in population["others"]}


def score_name(definition: Definition) -> str:
    """Return in words what the score of a trial is."""
    options = definition.options
    seeds = len(definition.seeds) if isinstance(definition.kind, SearchOptions) else 1
    over = f"{options.over_seeds} over {seeds} seeds of " if seeds > 1 else ""
    last = f"the mean of the last {options.last} values of " if options.last > 1 else "the last value of "
    within = "" if isinstance(definition.kind, SearchOptions) else ", in a generation"
    return f"{over}{last}{options.metric}{within}"


def _how(definition: Definition) -> str:
    """Say how trials come to be."""
    kind = definition.kind
    if isinstance(kind, PopulationOptions):
        return (
            f"{kind.population} members train for {kind.generations} generations, after each of which the worst "
            f"{100 * kind.truncation:g} % go on from copies of the best, with other values."
        )
    if isinstance(kind, ReplayOptions):
        return f"Members follow the schedules of trials {', '.join(map(str, kind.winners))} of a population."
    return f"Trials are proposed by {type_name(kind.method)} and stopped by {pruner_name(kind.pruner)}."


def type_name(node: Any) -> str:
    """Return the name of the class that a node makes."""
    return str(node["_target_"]).rpartition(".")[2]


def pruner_name(node: Any) -> str:
    """Return the name of a pruner, and of the one that it wraps."""
    wrapped = node.get("wrapped_pruner")
    return type_name(node) if wrapped is None else f"{type_name(wrapped)} within {type_name(node)}"


def _dimension(dimension: Dimension, short: str) -> dict[str, Any]:
    if isinstance(dimension, Choice):
        return {"key": dimension.key, "short": short, "kind": "category", "values": list(dimension.options)}
    kind = "log" if dimension.log else "linear"
    return {"key": dimension.key, "short": short, "kind": kind, "domain": [dimension.low, dimension.high]}


def _ended(trials: Iterable[Trial]) -> list[tuple[Trial, Result]]:
    """List the trials that have ended, with their results, in the order in which they did."""
    ended = [(trial, trial.result) for trial in trials if trial.result is not None]
    return sorted(ended, key=lambda one: one[1].order)


def _places(trials: Iterable[Trial]) -> dict[int, int]:
    """Return the place of each trial that has ended, from 0; a promoted trial has ended where it did so last."""
    return {trial.number: place for place, (trial, _) in enumerate(_ended(trials))}


def _trial(trial: Trial, place: int | None) -> dict[str, Any]:
    result = trial.result
    values = sorted((trial.values or {}).items())
    every = -(-len(values) // MOST_VALUES) or 1
    kept = [*values[:-1:every], *values[-1:]]
    return {
        "number": trial.number,
        "state": "open" if result is None else result.state,
        "value": None if result is None else result.value,
        "order": place,
        "why": "" if result is None else result.why,
        "control": trial.origin == "control",
        "params": dict(trial.params),
        "values": [[step, float(f"{value:.6g}")] for step, value in kept],
    }


def best_so_far(trials: Iterable[Trial], maximize: bool) -> list[list[float]]:
    """Return counts of ended trials and the best complete score after each, from the first such trial on."""
    scores = [result.value if result.state == "complete" else None for _, result in _ended(trials)]
    choose = max if maximize else min
    best = accumulate(scores, lambda one, other: choose((x for x in (one, other) if x is not None), default=None))
    return [[place, value] for place, value in enumerate(best, 1) if value is not None]


def _importances(definition: Definition, trials: Any) -> dict[str, Any]:
    if not isinstance(definition.kind, SearchOptions):
        return {"note": "Importances compare trials that differ in values alone, and members have trained before."}
    if find_spec("optuna") is None:
        return {"note": f"Importances need Optuna: {install_hint('search')}"}
    from ddpg.search.importance import ENOUGH, importances  # Optuna

    found = importances(definition, trials)
    if found is None:
        return {"note": f"Importances need {ENOUGH} trials that have ended, with different scores."}
    return {"note": None, "evaluator": found.evaluator, "shares": list(found.shares.items())}


def _confirmation(study: StudyFolder, definition: Definition, trials: Mapping[int, Trial]) -> dict[str, Any] | None:
    """Return the second look of a study; None before it has begun."""
    rules = rules_of(definition)
    sweep = confirmation_folder(study)
    if rules.ending is None or not sweep.exists:
        return None
    complete = ranked(rules.contenders(definition, trials), definition)
    ended, wanted = rules.ending.ended(study, complete)
    if ended < wanted:
        return {"note": f"{ended} of {wanted} runs of the second look have ended."}
    found = rules.ending.read(study, definition, complete, complete)
    return {
        "note": None,
        "folder": str(sweep.path),
        "over_seeds": definition.options.over_seeds,
        "rows": [
            {"trial": number, "tuned": _look(tuned), "confirmed": _look(found.confirmed[number])}
            for number, tuned in found.tuned.items()
        ],
        "trials": found.trials,
        "expected": found.expected,
        "difference": found.difference,
    }


def _look(look: Look) -> dict[str, Any]:
    score, low, high = look.total or (None, None, None)
    return {"scores": list(look.scores), "failed": look.failed, "score": score, "low": low, "high": high}
