"""Studies in this process whose training is a formula: every file as a run leaves it, in a millisecond."""

import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml

from ddpg.interrupt import InterruptFlag
from ddpg.record.run_folder import RunFolder
from ddpg.search import worker
from ddpg.search.launch import NO_OPTIONS, begin
from ddpg.search.options import search_options, tuning_seeds
from ddpg.search.recipe import Recipe
from ddpg.search.space import Number, Space
from ddpg.search.study import Definition, StudyFolder
from ddpg.search.trials import Trial
from ddpg.search.worker import work
from ddpg.sweep.options import LocalOptions
from ddpg.sweep.process import this_process
from ddpg.sweep.state.folder import SweepRun

Planned = tuple[Definition, Recipe]
#: From the config of a run and an env step to the metric there; it raises ArithmeticError where a run fails.
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
    options = search_options({**values, **changes})
    seeds = tuple(tuning_seeds(options, 1))
    return Definition("study", "0", options, space, seeds, total_steps=400, threads=1)


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
            except ArithmeticError as error:
                folder.write_status(state="failed", env_step=reached, error=str(error))
                self.exit_codes[run.number] = 1
                return
            with folder.metrics.open("a") as file:
                file.write(json.dumps(row) + "\n")
            self.trained[run.number] = self.trained.get(run.number, 0) + every
            done = env_step == config["total_steps"]
            folder.write_status(state="done" if done else "running", env_step=env_step, last_return=row[RETURN])
            yield env_step
        self.exit_codes[run.number] = 0


ROOT = Path(__file__).parents[2]
RETURN = "eval/episodic_return"


class FormulaStudy:
    """A study in a folder, on which workers of this process work."""

    def __init__(self, planned: Callable[..., Planned], folder: Path, pool: FormulaPool) -> None:
        self._planned = planned
        self.folder = StudyFolder(folder)
        self.pool = pool

    def elsewhere(self, folder: Path, pool: FormulaPool) -> "FormulaStudy":
        """Return another study of the same name in another folder, with a pool of its own."""
        return FormulaStudy(self._planned, folder, pool)

    def begin(self, *words: str) -> Definition:
        """Begin the study of a command line, or go on with it."""
        definition, recipe = self._planned(*SPACE, *words)
        begin(self.folder, definition, recipe, LocalOptions("local", processes=1, wait=True))
        return definition

    def run(self, *words: str) -> list[Trial]:
        """Begin the study and work on it until nothing is left; return its trials."""
        self.begin(*words)
        self.work()
        return self.trials()

    def work(self) -> None:
        """Be a worker until nothing is left."""
        with InterruptFlag() as interrupt:
            work(StudyFolder(self.folder.path), this_process(), interrupt)

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
        patch.setattr(worker, "Pool", pool)
        yield pool
