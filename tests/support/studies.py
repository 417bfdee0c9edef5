"""Studies in this process whose training is a formula: every file as a run leaves it, in a millisecond."""

import json
import math
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

import ddpg
from ddpg.interrupt import InterruptFlag
from ddpg.record.run_folder import RunFolder
from ddpg.search import trial_work
from ddpg.search.confirm import new_seeds
from ddpg.search.confirmation import confirmation_folder
from ddpg.search.launch import begin
from ddpg.search.options import search_options
from ddpg.search.plan import NO_OPTIONS
from ddpg.search.recipe import Recipe
from ddpg.search.space import Number, Space
from ddpg.search.study import Definition, StudyFolder
from ddpg.search.trials import Result, Trial, Verdict
from ddpg.search.worker import work
from ddpg.sweep.execute.worker import MACHINE_FAILED, is_of_the_machine
from ddpg.sweep.options import LocalOptions
from ddpg.sweep.process import this_process
from ddpg.sweep.state.folder import SweepRun, timestamp

Planned = tuple[Definition, Recipe]
#: From the config of a run and an env step to the metric there; it raises ArithmeticError where a run fails, and
#: OSError where the machine does.
Formula = Callable[[Mapping[str, Any], int], float]


def depth(params: Mapping[str, Any]) -> float:
    """Return the score of a trial in the valley without noise: at most 0, at tau = 0.01 and gamma = 0.9."""
    return float(-((math.log10(params["tau"]) + 2) ** 2) - 10 * (params["gamma"] - 0.9) ** 2)


def valley(config: Mapping[str, Any], env_step: int) -> float:
    """Return the metric of a run in the valley: it grows as the run goes on, and each seed has a noise of its own."""
    noise = 0.01 * math.sin(100 * config["seed"] + 7 * config["tau"] + 13 * config["gamma"])
    return depth(config) + noise - 1 + env_step / config["total_steps"]


def plain_definition(sampler: str = "tpe", pruner: str = "percentile", **changes: Any) -> Definition:
    """Return the study of the valley with these files of conf/ and with other options, as nothing has composed it."""
    sweeper = ROOT / "conf" / "hydra" / "sweeper"
    values = yaml.safe_load((sweeper / "search.yaml").read_text())
    for key in (*NO_OPTIONS, "defaults"):
        del values[key]
    for group, option in (("method", sampler), ("pruner", pruner)):
        values[group] = yaml.safe_load((sweeper / group / f"{option}.yaml").read_text())
    space = changes.pop("space", VALLEY)
    options, kind = search_options({**values, **changes})
    seeds = tuple(kind.seeds_from(1))
    return Definition("study", "0", options, kind, space, seeds, total_steps=400, threads=1)


class FormulaPool:
    """Stands for the pool of a worker: `train` writes what runs of a formula would leave."""

    def __init__(self, formula: Formula) -> None:
        self.formula = formula
        self.exit_codes: dict[int, int] = {}
        #: The env steps that were trained, by the run's number.
        self.trained: dict[int, int] = {}
        #: Called before each evaluation with the run and the env step; what it raises ends the worker there.
        self.before: Callable[[SweepRun, int], None] = lambda run, env_step: None

    def __call__(self, processes: int, threads: int, directory: Path) -> "FormulaPool":
        return self

    def train(
        self, runs: Sequence[SweepRun], interrupt: InterruptFlag, enough: Callable[[], bool] = lambda: False
    ) -> list[SweepRun]:
        """Train runs side by side, evaluation by evaluation."""
        going = [self._evaluations(run) for run in runs]
        stopped = False
        while going and not stopped:
            for one in list(going):
                if next(one, None) is None:
                    going.remove(one)
            stopped = interrupt.signum is not None or enough()
        return []

    def _evaluations(self, run: SweepRun) -> Iterator[int]:
        folder = RunFolder(run.path)
        config = yaml.safe_load(folder.config.read_text())
        reached = folder.status().get("env_step", 0)
        every = config["eval"]["every"]
        if folder.metrics.exists():  # a resume cuts the record back
            rows = folder.metrics.read_text().splitlines()[: reached // every]
            folder.metrics.write_text("".join(f"{row}\n" for row in rows))
        for env_step in range(reached + every, config["total_steps"] + 1, every):
            self.before(run, env_step)
            try:
                row = {"env_step": env_step, "eval/episodic_return": self.formula(config, env_step)}
            except (ArithmeticError, OSError) as error:
                folder.write_status(state="failed", env_step=reached, error=str(error))
                self.exit_codes[run.number] = MACHINE_FAILED if is_of_the_machine(error) else 1
                return
            with folder.metrics.open("a") as file:
                file.write(json.dumps(row) + "\n")
            self.trained[run.number] = self.trained.get(run.number, 0) + every
            folder.write_status(state="running", env_step=env_step, last_return=row[RETURN])
            yield env_step
        folder.write_status(state="done", env_step=config["total_steps"])
        self.exit_codes[run.number] = 0


ROOT = Path(__file__).parents[2]
RETURN = "eval/episodic_return"


def work_on(folder: Path) -> None:
    """Be a worker of the study in a folder until nothing is left."""
    with InterruptFlag() as interrupt:
        work(StudyFolder(folder), this_process(), interrupt)


class FormulaStudy:
    """A study in a folder, on which workers of this process work."""

    def __init__(
        self, planned: Callable[..., Planned], folder: Path, pool: FormulaPool, words: Sequence[str] | None = None
    ) -> None:
        self._planned = planned
        self._words = SPACE if words is None else words
        self.folder = StudyFolder(folder)
        self.pool = pool

    def elsewhere(self, folder: Path, pool: FormulaPool) -> "FormulaStudy":
        """Return another study of the same name in another folder, with a pool of its own."""
        return FormulaStudy(self._planned, folder, pool, self._words)

    def begin(self, *words: str) -> Definition:
        """Begin the study of a command line, or go on with it."""
        definition, recipe = self._planned(*self._words, *words)
        begin(self.folder, definition, recipe, LocalOptions("local", processes=1, wait=True), {})
        return definition

    def run(self, *words: str) -> list[Trial]:
        """Begin the study and work on it until nothing is left; return its trials."""
        self.begin(*words)
        self.work()
        return self.trials()

    def work(self) -> None:
        """Be a worker until nothing is left."""
        work_on(self.folder.path)

    def trials(self) -> list[Trial]:
        """Return the trials as their files have them."""
        return list(StudyFolder(self.folder.path).trials().values())


#: Two numbers with a known best point, four evaluations a run, one seed.
SPACE = (
    "tau=tag(log,interval(1e-4,1))", "gamma=interval(0.5,1)", "experiment=smoke", "total_steps=400", "eval.every=100",
    "hydra.sweeper.seeds=1", "hydra.sweeper.n_trials=4", "hydra.sweeper.last=1",
)  # fmt: skip


#: The same two numbers.
VALLEY = Space(
    (
        Number("tau", "", 1e-4, 1.0, step=None, log=True, whole=False),
        Number("gamma", "", 0.5, 1.0, step=None, log=False, whole=False),
    ),
    {},
    (),
)


@contextmanager
def formula_pool(formula: Formula = valley) -> Iterator[FormulaPool]:
    """Let workers of this process train by a formula."""
    pool = FormulaPool(formula)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trial_work, "Pool", pool)
        yield pool


def write_run(folder: Path, score: float | None) -> None:
    """Write what a score needs of a run that ended with it; None for a run that failed."""
    run = RunFolder(folder)
    run.path.mkdir(parents=True)
    run.metrics.write_text(json.dumps({"env_step": 400, RETURN: score}) + "\n")
    run.write_status(state="failed" if score is None else "done", env_step=400)


def write_confirmation(study: StudyFolder, trial: Trial, scores: Sequence[float | None]) -> None:
    """Write the runs of a second look at a trial with these scores."""
    seeds = new_seeds(study, len(scores))
    assert not set(seeds) & set(trial.seeds)
    sweep = confirmation_folder(study)
    folders = [f"{trial.name}/seed_{seed}" for seed in seeds]
    for folder, score in zip(folders, scores, strict=True):
        write_run(sweep.path / folder, score)
    sweep.write({"runs": [{"folder": folder, "overrides": []} for folder in folders]})


def write_study(path: Path, count: int, **changes: Any) -> StudyFolder:
    """Write a study of the valley that has ended, two seeds a trial, as its files have it.

    Its first trial failed, its second was pruned, every fifth one is a control.
    """
    study = StudyFolder(path)
    path.mkdir()
    definition = replace(plain_definition(seeds=2, n_trials=count, last=1, **changes), version=ddpg.__version__)
    study.define(definition)
    random = Random(0)
    for number in range(count):
        params = {"tau": 10 ** random.uniform(-4, 0), "gamma": random.uniform(0.5, 1)}
        state: Verdict = ("failed", "pruned", *["complete"] * count)[number]  # type: ignore[assignment]
        score = depth(params)
        origin = "control" if number % 5 == 4 else "sampler"
        result = Result(state, score, number, timestamp(), "it diverged" if state == "failed" else "")
        trial = Trial(
            number, params, origin, definition.seeds, timestamp(), {}, {}, None, 0, {200: score - 1, 800: score}, result
        )
        study.write(trial)
        for place, seed in enumerate(trial.seeds):
            write_run(study.run_folder(trial, seed), score + (0.1, -0.1)[place])
    return study


class Crash(BaseException):
    """Stands for kill -9: nothing of the worker runs after it."""


def crash_at(monkeypatch: pytest.MonkeyPatch, write: int, work: Callable[[], None]) -> bool:
    """Let a worker end before one of its first 37 writes; return False if it had fewer."""
    done = 0

    def count(original: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            nonlocal done
            done += 1
            if done == write % 37 + 1:
                raise Crash
            return original(*args, **kwargs)

        return counted

    with monkeypatch.context() as patch:
        for owner, name in ((Path, "replace"), (os, "fsync"), (Path, "mkdir")):
            patch.setattr(owner, name, count(getattr(owner, name)))
        try:
            work()
        except Crash:
            return True
    return False
