"""Populations in this process whose training is a formula, and whose forks are copies of what a formula leaves."""

import json
import shutil
from collections.abc import Mapping
from typing import Any

from ddpg.config.settings import to_yaml
from ddpg.record.run_folder import RunFolder
from ddpg.search.options import PopulationOptions

#: Four members, of which one copies; little of everything.
OPTIONS = PopulationOptions(population=4, generations=4, truncation=0.25, perturb=[0.8, 1.2], resample=0.25, inherited=())

#: The same as words, beside those of support.studies: a generation has one evaluation.
WORDS = (
    "hydra/sweeper=pbt", "tau=tag(log,interval(1e-4,1))", "gamma=interval(0.5,1)", "experiment=smoke",
    "total_steps=400", "eval.every=100", "random_steps=10", "learning_starts=10",
    "hydra.sweeper.population=4", "hydra.sweeper.generations=4", "hydra.sweeper.truncation=0.25",
)  # fmt: skip


def copied(source: RunFolder, target: RunFolder, config: Mapping[str, Any]) -> None:
    """Stand for `fork` where a formula trains: copy the record, because there are no checkpoints."""
    built = RunFolder(target.path.with_name(".built"))
    shutil.rmtree(built.path, ignore_errors=True)
    shutil.copytree(source.path, built.path)
    built.config.write_text(to_yaml(config))
    built.write_status(state="interrupted", env_step=source.status()["env_step"])
    built.path.rename(target.path)


def grown(config: Mapping[str, Any], env_step: int) -> float:
    """Return the metric of a member, which depends on its values and its seed, and grows with env steps."""
    return float(env_step / 100 - 10 * abs(config["gamma"] - 0.9) + 0.01 * config["seed"])


def rows(run: RunFolder) -> list[dict[str, Any]]:
    """Return the record of a run."""
    return [json.loads(line) for line in run.metrics.read_text().splitlines()]
