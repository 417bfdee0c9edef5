"""Populations in this process whose training is a formula, and whose forks are copies of what a formula leaves."""

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from support.studies import VALLEY, plain_definition

import ddpg
from ddpg.config.settings import to_yaml
from ddpg.record.run_folder import RunFolder
from ddpg.search.options import PopulationOptions
from ddpg.search.population.members import next_member
from ddpg.search.study import Definition, StudyFolder
from ddpg.search.trials import Result, Trial
from ddpg.sweep.state.folder import timestamp

#: Four members, of which one copies; little of everything.
OPTIONS = PopulationOptions(
    population=4, generations=4, truncation=0.25, perturb=[0.8, 1.2], resample=0.25, inherited=()
)

#: The same as words, beside those of support.studies: a generation has one evaluation.
WORDS = (
    "hydra/sweeper=pbt", "tau=tag(log,interval(1e-4,1))", "gamma=interval(0.5,1)", "experiment=smoke",
    "total_steps=400", "eval.every=100", "random_steps=10", "learning_starts=10",
    "hydra.sweeper.population=4", "hydra.sweeper.generations=4", "hydra.sweeper.truncation=0.25",
)  # fmt: skip


def copied(source: RunFolder, target: RunFolder, config: Mapping[str, Any], entry: Mapping[str, Any]) -> None:
    """Stand for `fork` where a formula trains: copy the record, because there are no checkpoints."""
    env_step = source.status()["env_step"]
    built = RunFolder(target.path.with_name(".built"))
    shutil.rmtree(built.path, ignore_errors=True)
    shutil.copytree(source.path, built.path)
    built.config.write_text(to_yaml({**config, "forked": {"configuration": "a", "env_step": env_step}}))
    built.write_json(built.provenance, [entry])
    built.write_status(state="interrupted", env_step=env_step)
    built.path.rename(target.path)


def grown(config: Mapping[str, Any], env_step: int) -> float:
    """Return the metric of a member, which depends on its values and its seed, and grows with env steps."""
    return float(env_step / 100 - 10 * abs(config["gamma"] - 0.9) + 0.01 * config["seed"])


def rows(run: RunFolder) -> list[dict[str, Any]]:
    """Return the record of a run."""
    return [json.loads(line) for line in run.metrics.read_text().splitlines()]


def plain_population(**changes: Any) -> Definition:
    """Return a population in the valley with other options, as nothing has composed it."""
    kind = replace(OPTIONS, **changes)
    study = plain_definition(failed="fail", n_trials=kind.population * kind.generations, space=VALLEY)
    seeds = tuple(range(1, kind.population + 1))
    return replace(study, version=ddpg.__version__, kind=kind, seeds=seeds)


def simulated(definition: Definition, score: Callable[[Trial], float | None]) -> dict[int, Trial]:
    """Return the trials of a population whose members have these scores; None for one that fails."""
    trials: dict[int, Trial] = {}
    for number in range(definition.options.n_trials):
        trial = next_member(definition, trials, number)
        assert trial is not None
        value = score(trial)
        result = Result("failed" if value is None else "complete", value, number, timestamp(), "" if value else "nan")
        trials[number] = trial.changed(result=result)
    return trials


def write_population(path: Path, score: Callable[[Trial], float | None], **changes: Any) -> StudyFolder:
    """Write a population that has ended, without runs."""
    study = StudyFolder(path)
    path.mkdir()
    definition = plain_population(**changes)
    study.define(definition)
    for trial in simulated(definition, score).values():
        assert trial.part is not None
        assert trial.result is not None
        values = {trial.part.stop: trial.result.value} if trial.result.value is not None else None
        study.write(trial.changed(values=values))
    return study
