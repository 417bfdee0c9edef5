"""Measures what the search itself costs for each trial of a study that has 10, 100 or 1,000 trials before it.

    python scripts/search_cost.py [TRIALS ...]

The trials have 8 keys, 3 seeds and 60 evaluations; they are written, not trained. For each size a worker takes a
trial (chosen by the default sampler, its 3 runs frozen), reports a score so far and tells the result, three times.
The medians are in seconds of processor time, which waits for the disk and for other processes do not change.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import hydra
import numpy as np
from hydra.core.global_hydra import GlobalHydra
from hydra.types import RunMode

from ddpg.config import resolvers
from ddpg.interrupt import InterruptFlag
from ddpg.search.launch import begin
from ddpg.search.plan import planned
from ddpg.search.space import Choice, Dimension, Value
from ddpg.search.study import Definition, StudyFolder
from ddpg.search.trials import Result, Trial
from ddpg.search.turns import Turns
from ddpg.sweep.options import LocalOptions
from ddpg.sweep.process import this_process
from ddpg.sweep.state.folder import timestamp

SPACE = (
    "tau=tag(log,interval(1e-4,1e-1))", "gamma=interval(0.9,0.999)", "batch_size=choice(64,128,256)",
    "noise.sigma=interval(0.05,0.5)", "optimizer.actor.lr=tag(log,interval(1e-5,1e-2))",
    "optimizer.critic.lr=tag(log,interval(1e-5,1e-2))", "buffer_size=tag(int,log,interval(10000,1000000))",
    "network.actor.hidden=choice([256,256],[400,300])",
)  # fmt: skip
EVALUATIONS = 20
REPEATS = 3


def main() -> None:
    """Print a row for each size."""
    sizes = [int(word) for word in sys.argv[1:]] or [10, 100, 1000]
    print("trials   take  report  tell  a trial with 60 reports  (processor seconds)")
    for size in sizes:
        with tempfile.TemporaryDirectory() as folder:
            take, report, tell = _measured(Path(folder) / "study", size)
        print(f"{size:6d}  {take:5.2f}  {report:6.3f}  {tell:4.2f}  {take + tell + 3 * EVALUATIONS * report:6.1f}")


def _measured(path: Path, size: int) -> tuple[float, float, float]:
    """Return the medians of taking a trial, of one report, and of telling a result."""
    turns = _turns(path, size)
    times: dict[str, list[float]] = {"take": [], "report": [], "tell": []}
    for repeat in range(REPEATS + 1):  # the first time a worker reads the study and writes its journal
        with _timed(times["take"]):
            turn = turns.next()
        assert turn is not None
        values = {1000 * (place + 1): 0.1 * place for place in range(3 * EVALUATIONS)}
        with _timed(times["report"]):
            turns.report(turn.trial.number, values)
        with _timed(times["tell"]):
            turns.conclude(turn.trial.number, 1.0 + repeat, values)
    return tuple(statistics.median(found[1:]) for found in times.values())  # type: ignore[return-value]


@contextmanager
def _timed(times: list[float]) -> Iterator[None]:
    start = time.process_time()
    yield
    times.append(time.process_time() - start)


def _turns(path: Path, size: int) -> Turns:
    """Write a study with that many trials, and return it as a worker sees it."""
    definition = _begun(path, size)
    study = StudyFolder(path)
    rng = np.random.default_rng(0)
    runs = []
    for number in range(size):
        params = {dimension.key: _drawn(dimension, rng) for dimension in definition.space.dimensions}
        values = {1000 * (place + 1): float(rng.normal()) for place in range(3 * EVALUATIONS)}
        result = Result("complete", float(rng.normal()), number, timestamp())
        trial = Trial(number, params, "sampler", definition.seeds, timestamp(), {}, {}, values=values, result=result)
        study.write(trial)
        runs += [{"folder": f"{trial.name}/seed_{seed}", "overrides": []} for seed in trial.seeds]
    study.sweep.write({**study.sweep.manifest(), "runs": runs})
    return Turns(study, this_process(), InterruptFlag())


def _begun(path: Path, size: int) -> Definition:
    resolvers.register()
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        loader = GlobalHydra.instance().config_loader()
        words = ["hydra/sweeper=search", "hydra/launcher=local", f"hydra.sweeper.n_trials={size + 99}", "preset=td3"]
        config = loader.load_configuration("config", [*words, f"hydra.sweep.dir={path}", *SPACE], RunMode.MULTIRUN)
        definition, recipe = planned(config, loader, list(config.hydra.overrides.task))
    begin(StudyFolder(path), definition, recipe, LocalOptions("local", processes=1, wait=True), {})
    return definition


def _drawn(dimension: Dimension, rng: np.random.Generator) -> Value:
    if isinstance(dimension, Choice):
        return str(rng.choice(dimension.options))
    low, high = np.log([dimension.low, dimension.high]) if dimension.log else (dimension.low, dimension.high)
    value = rng.uniform(low, high)
    value = float(np.clip(np.exp(value) if dimension.log else value, dimension.low, dimension.high))
    return round(value) if dimension.whole else value


if __name__ == "__main__":
    main()
