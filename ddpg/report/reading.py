"""Run folders as one pandas data frame."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from ddpg.config.settings import group
from ddpg.config.signature import nearest
from ddpg.errors import UserError
from ddpg.record.run_folder import RunFolder, run_folders
from ddpg.record.tracking.metrics import Row, read_metrics
from ddpg.report.labels import Described, labels


@dataclass(frozen=True)
class Run:
    """A run folder without its metrics. `choices` and `typed` tell how it was composed, if that is on record."""

    folder: RunFolder
    config: Mapping[str, Any]
    status: Mapping[str, Any]
    choices: Mapping[str, str]
    typed: frozenset[str] | None

    @property
    def environment(self) -> str:
        return str(self.config["env"]["name"])


def find_runs(folders: Sequence[Path]) -> list[Run]:
    """Every run in the folders and below them, each once. UserError if a folder is missing or holds none."""
    found: dict[Path, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{folder}: there is no such folder")
        below = [path for path in run_folders(folder) if _has_started(path)]
        if not below:
            raise UserError(f"{folder} holds no run folder (one with config.yaml, status.json and metrics.jsonl)")
        found |= {path.resolve(): path for path in below if path.resolve() not in found}
    return [_read_run(path) for path in found.values()]


def frame(runs: Sequence[Run], *metrics: str) -> pd.DataFrame:
    """A line for each row of a metrics.jsonl that has one of the metrics; a run without any has one line of NaN.

    Columns: run (its folder), environment, configuration (label), seed, state, done_step (status.json's env_step),
    total_steps, eval_episodes (eval.episodes; 1 if the config has none), shared (what labels need not tell), env_step
    and the metrics, each once.

    Raises:
        UserError: no run has the first of the metrics, or that is env_step.
    """
    if metrics[0] == "env_step":
        raise UserError("metric=env_step is what the values are drawn over, not a metric; try eval/episodic_return")
    metrics = tuple(dict.fromkeys(metrics))
    named = _configurations(runs)
    lines: list[dict[str, Any]] = []
    seen: set[str] = set()
    for run in runs:
        rows = read_metrics(run.folder.metrics)
        seen.update(*rows)
        about = _columns(run) | named[run.folder.path]
        wanted: list[Row] = [row for row in rows if not row.keys().isdisjoint(metrics)]
        lines += [about | {key: row[key] for key in ("env_step", *metrics) if key in row} for row in wanted or [{}]]
    if metrics[0] not in seen:
        near = nearest(metrics[0], seen - {"env_step"}) if seen else ": nothing has been recorded yet"
        where = "not in the only run" if len(runs) == 1 else f"in none of the {len(runs)} runs"
        raise UserError(f"metric={metrics[0]} is {where}{near}")
    return pd.DataFrame(lines, columns=[*_columns(runs[0]), "configuration", "shared", "env_step", *metrics])


def _has_started(path: Path) -> bool:
    """Whether the folder has what a report needs; a run that waits in a queue, or could not be built, has not."""
    return (path / "config.yaml").exists() and (path / "status.json").exists()


def _read_run(path: Path) -> Run:
    folder = RunFolder(path)
    config = _load(folder.config)
    if not isinstance(config, dict) or not {"env", "seed", "total_steps"} <= config.keys():
        raise UserError(f"{folder.config} is not the config of a run: env, seed or total_steps is missing")
    choices, overrides = _composition(folder)
    options = {key: str(value) for key, value in choices.items() if value is not None and not key.startswith("hydra/")}
    typed = None if overrides is None else frozenset(word.partition("=")[0].lstrip("+~") for word in overrides)
    return Run(folder, config, folder.status(), options, typed)


def _composition(folder: RunFolder) -> tuple[Mapping[str, Any], Sequence[str] | None]:
    """The options chosen of each group, and what was written on the command line; ({}, None) if nobody knows.

    A sweep that froze the run has kept them in provenance.json, Hydra keeps them in .hydra.
    """
    hydra = folder.path / ".hydra"
    if (hydra / "hydra.yaml").exists() and (hydra / "overrides.yaml").exists():
        return _load(hydra / "hydra.yaml")["hydra"]["runtime"]["choices"], _load(hydra / "overrides.yaml")
    frozen = next((start for start in folder.starts() if "choices" in start), {})
    return frozen.get("choices", {}), frozen.get("overrides")


def _load(path: Path) -> Any:
    """With the loader written in C, where PyYAML has it: a sweep of a thousand runs is read in seconds."""
    with path.open("rb") as file:
        return yaml.load(file, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _columns(run: Run) -> dict[str, Any]:
    return {
        "run": str(run.folder.path),
        "environment": run.environment,
        "seed": run.config["seed"],
        "state": run.status.get("state", "unknown"),
        "done_step": run.status.get("env_step", 0),
        "total_steps": run.config["total_steps"],
        "eval_episodes": run.config.get("eval", {}).get("episodes", 1),
    }


def _configurations(runs: Sequence[Run]) -> dict[Path, dict[str, str]]:
    """The label of each run's configuration, among those of its environment, and what these labels share."""
    members: dict[str, dict[str, list[Run]]] = {}
    for run in runs:
        members.setdefault(run.environment, {}).setdefault(group(run.config), []).append(run)
    named: dict[Path, dict[str, str]] = {}
    for groups in members.values():
        texts, shared = labels([_described(same) for same in groups.values()])
        for text, same in zip(texts, groups.values(), strict=True):
            named |= {run.folder.path: {"configuration": text, "shared": "; ".join(shared)} for run in same}
    return named


def _described(same: Sequence[Run]) -> Described:
    known = [run.typed for run in same if run.typed is not None]
    return Described(same[0].config, same[0].choices, frozenset().union(*known) if known else None)
