"""Run folders as the runs that a report compares."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from ddpg.config.settings import chosen, group
from ddpg.config.spelling import nearest
from ddpg.errors import UserError
from ddpg.record.find_run import near_folder
from ddpg.record.run_folder import RunFolder, read_yaml, run_folders
from ddpg.record.tracking.metrics import Row, read_metrics
from ddpg.report.labels import Described, labels
from ddpg.report.measured import MeasuredRun, curve_of, newest_at_each_step
from ddpg.report.metric import EPISODES, Metric


@dataclass(frozen=True)
class RunRecord:
    """A run folder without its metrics. `choices` and `typed` tell how it was composed, if that is on record."""

    folder: RunFolder
    config: Mapping[str, Any]
    status: Mapping[str, Any]
    choices: Mapping[str, str]
    typed: tuple[str, ...] | None

    @property
    def environment(self) -> str:
        """The name of the run's environment."""
        return str(self.config["env"]["name"])


def read_runs(folders: Sequence[Path], metric: Metric) -> list[MeasuredRun]:
    """Read every run in the folders and below them with its values of the metric, each run once.

    Raises:
        UserError: a folder is missing or holds no run, or no run has the metric.
    """
    if metric.name == "env_step":
        raise UserError("metric=env_step is what the values are drawn over, not a metric; try eval/episodic_return")
    records = find_runs(folders)
    labelled = _labelled(records)
    runs: list[MeasuredRun] = []
    recorded: set[str] = set()
    for record in records:
        rows = read_metrics(record.folder.metrics)
        recorded.update(*rows)
        runs.append(_measured(record, rows, metric, *labelled[record.folder.path]))
    if metric.name not in recorded:
        near = nearest(metric.name, recorded - {"env_step"}) if recorded else ": nothing has been recorded yet"
        where = "not in the only run" if len(runs) == 1 else f"in none of the {len(runs)} runs"
        raise UserError(f"metric={metric.name} is {where}{near}")
    return runs


def find_runs(folders: Sequence[Path]) -> list[RunRecord]:
    """Read every run in the folders and below them, each once, but for its metrics.

    Raises:
        UserError: a folder is missing or holds no run.
    """
    found: dict[Path, Path] = {}
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{folder}: there is no such folder{near_folder(folder)}")
        below = [path for path in run_folders(folder) if _has_started(path)]
        if not below:
            raise UserError(f"{folder} holds no run folder (one with config.yaml, status.json and metrics.jsonl)")
        found |= {path.resolve(): path for path in below if path.resolve() not in found}
    return [_read_run(path) for path in found.values()]


def _measured(record: RunRecord, rows: list[Row], metric: Metric, configuration: str, shared: str) -> MeasuredRun:
    return MeasuredRun(
        environment=record.environment,
        configuration=configuration,
        shared=shared,
        seed=record.config["seed"],
        state=record.status.get("state", "unknown"),
        done_step=record.status.get("env_step", 0),
        total_steps=record.config["total_steps"],
        eval_episodes=record.config.get("eval", {}).get("episodes", 1),
        metric=newest_at_each_step(curve_of(rows, metric.name)),
        episodes=curve_of(rows, EPISODES),
    )


def _has_started(path: Path) -> bool:
    """Whether the folder has what a report needs; a run that waits in a queue, or could not be built, has not."""
    return (path / "config.yaml").exists() and (path / "status.json").exists()


def _read_run(path: Path) -> RunRecord:
    folder = RunFolder(path)
    config = read_yaml(folder.config)
    if not isinstance(config, dict) or not {"env", "seed", "total_steps"} <= config.keys():
        raise UserError(f"{folder.config} is not the config of a run: env, seed or total_steps is missing")
    overrides = _overrides(folder)
    typed = None if overrides is None else tuple(word.partition("=")[0].lstrip("+~") for word in overrides)
    options = {name: str(option) for name, option in _choices(folder, config).items() if option is not None}
    return RunRecord(folder, config, folder.status(), options, typed)


def _choices(folder: RunFolder, config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the option chosen of each group; {} if it is not on record.

    Folders that are older than the key `choices` of config.yaml have it in .hydra, or in provenance.json those that a
    sweep froze.
    """
    hydra = folder.path / ".hydra" / "hydra.yaml"
    if "choices" in config:
        return config["choices"]
    if hydra.exists():
        return chosen(read_yaml(hydra)["hydra"]["runtime"]["choices"])
    return chosen(next((start["choices"] for start in folder.starts() if "choices" in start), {}))


def _overrides(folder: RunFolder) -> Sequence[str] | None:
    """Return the words of the command line at the first start; None if they are not on record."""
    return next((start["overrides"] for start in folder.starts() if "overrides" in start), None)


def _labelled(records: Sequence[RunRecord]) -> dict[Path, tuple[str, str]]:
    """Return by run folder the label of its configuration within its environment, and what these labels share."""
    members: dict[str, dict[str, list[RunRecord]]] = {}
    for record in records:
        members.setdefault(record.environment, {}).setdefault(group(record.config), []).append(record)
    named: dict[Path, tuple[str, str]] = {}
    for groups in members.values():
        texts, shared = labels([_described(same) for same in groups.values()])
        for text, same in zip(texts, groups.values(), strict=True):
            named |= {record.folder.path: (text, "; ".join(shared)) for record in same}
    return named


def _described(same: Sequence[RunRecord]) -> Described:
    known = [record.typed for record in same if record.typed is not None]
    return Described(same[0].config, same[0].choices, tuple(dict.fromkeys(chain(*known))) if known else None)
