"""From a command line with hydra/sweeper=search or pbt to a study that is at work."""

import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from hydra.core.config_loader import ConfigLoader
from omegaconf import DictConfig

from ddpg.config.keys import flat
from ddpg.errors import UserError
from ddpg.record.provenance import code_version, command_line
from ddpg.search.kinds import rules_of
from ddpg.search.options import SearchOptions, name_of
from ddpg.search.plan import planned
from ddpg.search.points import count
from ddpg.search.recipe import Recipe
from ddpg.search.space import Space
from ddpg.search.study import Definition, StudyFolder
from ddpg.sweep.job_config import typed_configs
from ddpg.sweep.launch import launcher_options
from ddpg.sweep.options import Options, SlurmOptions
from ddpg.sweep.state.folder import timestamp

log = logging.getLogger(__name__)

#: The options of a study that may change while it goes on: how many trials come, and how they are chosen and trained.
#: The pruner, `together` and `prune_after` stay: with others, scores so far or rungs would stand at other numbers.
MAY_CHANGE = ("n_trials", "max_kills", "control", "workers", "widen", "method")


def search(config: DictConfig, loader: ConfigLoader, words: Sequence[str]) -> None:
    """Begin a study, or go on with the one in the folder, and print what became of it.

    Raises:
        UserError: something does not fit, or the study had to stop; nothing of it is lost then.
    """
    study = StudyFolder(Path(str(config.hydra.sweep.dir)))
    try:
        launcher = launcher_options(config)
        definition, recipe = planned(config, loader, words)
        launcher = startable(definition, recipe, launcher)
    except Exception:
        with suppress(OSError):  # the folder was claimed for this study, and nobody else has put something into it
            study.path.rmdir()
        raise
    begin(study, definition, recipe, launcher, typed_configs(config.hydra))
    start(study, definition, launcher)


def startable(definition: Definition, recipe: Recipe, launcher: Options) -> Options:
    """Return the launcher's options with all that it needs; raise UserError if Slurm would refuse them."""
    if not isinstance(launcher, SlurmOptions):
        return launcher
    from ddpg.search.job import submittable  # submitit, which only Slurm needs

    return submittable(definition, recipe, launcher)


def begin(
    study: StudyFolder, definition: Definition, recipe: Recipe, launcher: Options, own: Mapping[str, str]
) -> None:
    """Write what the study is, or compare it with what the folder holds; the launcher may be another one.

    `own` are the user's own config groups, as `typed_configs` returns them.

    Raises:
        UserError: the folder has another study, or another sweep. Nothing is written then.
    """
    study.path.mkdir(parents=True, exist_ok=True)
    with study.lock():
        if study.exists:
            _require_same_study(study, definition, recipe)
        elif study.sweep.exists or any(study.path.glob("*/config.yaml")):
            raise UserError(f"{study.path} holds another sweep: choose another hydra.sweep.dir")
        recipe.write(study.path / "bases")
        manifest = study.sweep.manifest() if study.sweep.exists else _first_manifest(definition, own)
        study.sweep.write({**manifest, "launcher": asdict(launcher)})
        study.define(definition)


def _first_manifest(definition: Definition, own: Mapping[str, str]) -> dict[str, Any]:
    """Return what sweep.json says before there are trials: where the study comes from."""
    origin = {"submitted": timestamp(), **code_version(), **own}
    return {**origin, **command_line(), "threads": definition.threads, "runs": []}


def start(study: StudyFolder, definition: Definition, launcher: Options, lost: str | None = None) -> None:
    """Start workers, wait for them if the launcher does, and print the state of the study.

    Where workers are at work already, they go on with what the study is now, and no other is started.

    Raises:
        UserError: the workers that were waited for have ended before the study, as where their jobs were killed.
    """
    from ddpg.search.table import ending

    print(f"study of {_trials(definition)}: ddpg-sweep status {study.quoted}", flush=True)
    workers = study.workers(lost)
    if workers:
        print("workers are at work on it already, and go on", flush=True)
        for host in sorted({worker.host for worker in workers if worker.host}):
            print(f"{host} cannot be asked; if its workers have ended: ddpg-sweep retry {study.quoted} lost={host}")
        return
    wait = _started(study, definition, launcher)
    if launcher.wait:
        try:
            wait()
        finally:
            print(ending(study), flush=True)
        _require_results(study, definition)


def _trials(definition: Definition) -> str:
    """Return how many trials there will be, and whether that is because the space has no more points."""
    number = definition.options.n_trials
    is_all = isinstance(definition.kind, SearchOptions) and count(definition.space, number + 1) == number
    return f"{number} trials, which are all points of its space" if is_all else f"{number} trials"


def _require_results(study: StudyFolder, definition: Definition) -> None:
    trials = study.trials()
    wanted = rules_of(definition).expected_trials(definition, trials)
    found = sum(trial.result is not None for trial in trials.values())
    if found < wanted:
        raise UserError(
            f"all workers have ended, and {found} of {wanted} trials have a result: the same command goes on"
        )


def _started(study: StudyFolder, definition: Definition, launcher: Options) -> Callable[[], None]:
    """Start workers, or prepare those of this process, and return the function that waits for their end."""
    if isinstance(launcher, SlurmOptions):
        from ddpg.search.job import submit_workers  # submitit, which only Slurm needs

        return submit_workers(study, definition, launcher)
    from ddpg.search.crew import Crew, start_detached, workers_here

    count = workers_here(definition, launcher.processes)
    if not launcher.wait:
        start_detached(study, count)
    return Crew(study, count).run


def _require_same_study(study: StudyFolder, now: Definition, recipe: Recipe) -> None:
    """Raise UserError if the folder has another study, and name the first key that differs."""
    before = study.definition()
    scored = replace(before.options, metric=now.options.metric, last=now.options.last)
    if scored != before.options and not _has_scores(study):  # then what makes a score may be another
        if study.workers(None):
            raise UserError(
                f"hydra.sweeper.metric={now.options.metric} last={now.options.last}: workers are at work on "
                f"{study.path} with {before.options.metric} and last={before.options.last}; end them first: "
                f"ddpg-sweep cancel {study.quoted}"
            )
        before = replace(before, options=scored)
    advice = f"{study.path} holds a study with {{}}: choose another hydra.sweep.dir"
    if type(before.kind) is not type(now.kind):
        raise UserError(advice.format(f"hydra/sweeper={name_of(before.kind)}, not {name_of(now.kind)}"))
    if before.name != now.name:
        raise UserError(advice.format(f"the name {before.name}, not {now.name}"))
    if before.seeds != now.seeds:
        raise UserError(advice.format(f"seeds={list(before.seeds)}, not {list(now.seeds)}"))
    old = _as_options(before)
    new = _as_options(now)
    for key in {**old, **new}:
        if old.get(key) != new.get(key):
            raise UserError(advice.format(f"hydra.sweeper.{key}={old.get(key)}, not {new.get(key)}"))
    widen = isinstance(now.kind, SearchOptions) and now.kind.widen
    _require_same_space(before.space, now.space, advice, widen)
    difference = recipe.difference(Recipe.read(before.space, study.path / "bases"))
    if difference:
        raise UserError(advice.format(f"another config, {difference}"))


def _has_scores(study: StudyFolder) -> bool:
    """Whether a trial has a score, or a score so far."""
    return any(trial.values or trial.score is not None for trial in study.trials().values())


def _as_options(definition: Definition) -> dict[str, Any]:
    """Return the options of a study that stay as they are, by dotted keys; seeds are left out, as they have a line."""
    options = {**asdict(definition.kind), **asdict(definition.options)}
    staying = flat({key: value for key, value in options.items() if key not in (*MAY_CHANGE, "seeds")})
    return {key: value for key, value in staying.items() if not isinstance(value, Mapping)}


def _require_same_space(before: Space, now: Space, advice: str, widen: bool) -> None:
    old = {dimension.key: dimension for dimension in before.dimensions}
    new = {dimension.key: dimension for dimension in now.dimensions}
    changed = [key for key in {**old, **new} if _without_text(old.get(key)) != _without_text(new.get(key))]
    if not changed and before.conditions == now.conditions:
        return
    wider = before.conditions == now.conditions and all(
        key in old and key in new and new[key].contains(old[key]) for key in changed
    )
    texts = ", ".join(f"{key}={old[key].text if key in old else '(fixed)'}" for key in changed) or "other conditions"
    if not wider:
        raise UserError(advice.format(f"another space, {texts}"))
    if not widen:
        raise UserError(f"{advice.format(f'a narrower space, {texts}')}, or go on with hydra.sweeper.widen=true")


def _without_text(dimension: Any) -> Any:
    return dimension and replace(dimension, text="")
