"""Run folders as the runs that a report compares."""

from collections.abc import Collection, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

from ddpg.config.choices import chosen, with_env_option
from ddpg.config.settings import group
from ddpg.config.spelling import nearest
from ddpg.errors import UserError
from ddpg.record.find_run import near_folder
from ddpg.record.run_folder import RunFolder, read_yaml, run_folders
from ddpg.report.columns import Columns, columns, own_columns
from ddpg.report.kept import is_kept, kept_starts, kept_status, read_rows
from ddpg.report.labels import Described, fitting, labels
from ddpg.report.measured import NO_CURVE, MeasuredRun, newest_at_each_step
from ddpg.report.metric import EPISODES, Metric
from ddpg.report.origin import Origin, joined_origins, origin_of


@dataclass(frozen=True)
class RunRecord:
    """A run folder without its metrics. `choices` and `overrides` tell how it was composed, if that is on record."""

    folder: RunFolder
    config: Mapping[str, Any]
    status: Mapping[str, Any]
    choices: Mapping[str, str]
    #: The entries of provenance.json, and the words of the command line at the first start.
    starts: Sequence[Mapping[str, Any]]
    overrides: Sequence[str] | None

    @property
    def typed(self) -> tuple[str, ...] | None:
        """The keys that were typed, in that order."""
        return None if self.overrides is None else tuple(key_of(word) for word in self.overrides)

    @property
    def environment(self) -> str:
        """The name of the run's environment."""
        return str(self.config["env"]["name"])

    @property
    def state(self) -> str:
        """What became of the run so far: done, running, interrupted or failed, if that is on record."""
        return str(self.status.get("state", "unknown"))

    @property
    def origin(self) -> Origin | None:
        """Where the run began if it is a fork."""
        return origin_of(self.config)


class Label(NamedTuple):
    """The name of a configuration within its environment, and the pairs that all these names leave out."""

    configuration: str
    shared: str


def read_runs(folders: Sequence[Path], metric: Metric) -> list[MeasuredRun]:
    """Read every run in the folders and below them with its values of the metric, each run once.

    Raises:
        UserError: a folder is missing or holds no run, or no run has the metric.
    """
    runs = each_run(find_runs(folders), metric.name)
    return [measured(record, columns, metric, label) for record, columns, label in runs]


def each_run(
    records: Sequence[RunRecord], metric: str, planned: Sequence[RunRecord] = ()
) -> Iterator[tuple[RunRecord, Columns, Label]]:
    """Read the metrics of runs, one after the other, because a thousand of them are gigabytes; name them.

    Args:
        records: the runs.
        metric: the name of a metric.
        planned: runs that have not started, which only count for the names.

    Raises:
        UserError: after the last run, if none of them has a metric of this name.
    """
    names = labelled([*records, *planned])
    recorded: set[str] = set()
    for record in records:
        found = own_columns(columns(read_rows(record.folder.path)), record.origin)
        recorded.update(found)
        yield record, found, names[record.folder.path]
    require_metric(metric, recorded, len(records))


def require_metric(name: str, recorded: Set[str], runs: int) -> None:
    """Raise UserError unless some run has a metric of this name.

    Args:
        name: of the metric.
        recorded: the names of all metrics of the runs.
        runs: how many runs there are.
    """
    if name == "env_step":
        raise UserError("metric=env_step is what the values are drawn over, not a metric; try eval/episodic_return")
    if name not in recorded:
        near = nearest(name, recorded) if recorded else ": nothing has been recorded yet"
        where = "not in the only run" if runs == 1 else f"in none of the {runs} runs"
        raise UserError(f"metric={name} is {where}{near}")


def find_runs(folders: Sequence[Path]) -> list[RunRecord]:
    """Read every run in the folders and below them that has started, each once, but for its metrics.

    Raises:
        UserError: a folder is missing or holds no run that has started.
    """
    return find_all_runs(folders).started


class FoundRuns(NamedTuple):
    """The runs of some folders: those that have started, and those that a sweep has planned."""

    started: list[RunRecord]
    waiting: list[RunRecord]


def find_all_runs(folders: Sequence[Path]) -> FoundRuns:
    """Read every run in the folders and below them, each once, but for its metrics.

    Raises:
        UserError: a folder is missing or holds no run that has started.
    """
    found: dict[Path, tuple[Path, bool]] = {}
    for folder in folders:
        if not folder.is_dir():
            raise UserError(f"{folder}: there is no such folder{near_folder(folder)}")
        begun = {path: has_started(path) for path in run_folders(folder) if (path / "config.yaml").exists()}
        if not any(begun.values()):
            raise UserError(f"{folder} {_nothing_in(begun)}")
        for path, has_begun in begun.items():
            found.setdefault(path.resolve(), (path, has_begun))
    runs = FoundRuns([], [])
    for path, has_begun in found.values():
        (runs.started if has_begun else runs.waiting).append(read_record(path))
    return runs


def _nothing_in(planned: Collection[Path]) -> str:
    if planned:
        return f"holds no run that has started yet, of {len(planned)} that are planned"
    return "holds no run folder (one with config.yaml, status.json and metrics.jsonl)"


def measured(record: RunRecord, columns: Columns, metric: Metric, label: Label) -> MeasuredRun:
    """Take the values of a metric from all that a run has recorded."""
    return MeasuredRun(
        environment=record.environment,
        configuration=label.configuration,
        shared=label.shared,
        seed=record.config["seed"],
        state=record.state,
        done_step=record.status.get("env_step", 0),
        total_steps=record.config["total_steps"],
        eval_episodes=record.config.get("eval", {}).get("episodes", 1),
        metric=newest_at_each_step(columns.get(metric.name, NO_CURVE)),
        episodes=columns.get(EPISODES, NO_CURVE),
        origin=record.origin,
    )


def has_started(path: Path) -> bool:
    """Whether a run folder has a status; a run that waits in a queue, or could not be built, has none."""
    return (path / "status.json").exists() or is_kept(path)


def read_record(path: Path) -> RunRecord:
    """Read a run folder but for its metrics; raise UserError if its config is none of a run."""
    folder = RunFolder(path)
    config = read_yaml(folder.config)
    if not isinstance(config, dict) or not {"env", "seed", "total_steps"} <= config.keys():
        raise UserError(f"{folder.config} is not the config of a run: env, seed or total_steps is missing")
    kept = is_kept(path)
    starts = kept_starts(path) if kept else folder.starts()
    choices = with_env_option(_choices(folder, config, starts), config["env"])
    return RunRecord(
        folder,
        config,
        kept_status(path) if kept else folder.status(),
        choices={name: str(option) for name, option in choices.items() if option is not None},
        starts=starts,
        overrides=next((start["overrides"] for start in starts if "overrides" in start), None),
    )


def key_of(word: str) -> str:
    """Return the key of an override."""
    return word.partition("=")[0].lstrip("+~")


def _choices(folder: RunFolder, config: Mapping[str, Any], starts: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the option chosen of each group; {} if it is not on record.

    Folders that are older than the key `choices` of config.yaml have it in .hydra, or in provenance.json those that a
    sweep froze; of others those options are known that were typed.
    """
    hydra = folder.path / ".hydra" / "hydra.yaml"
    if "choices" in config:
        return config["choices"]
    if hydra.exists():
        return chosen(read_yaml(hydra)["hydra"]["runtime"]["choices"])
    frozen = next((start["choices"] for start in starts if "choices" in start), None)
    if frozen is not None:
        return chosen(frozen)
    words = next((start["overrides"] for start in starts if "overrides" in start), ())
    pairs = (word.split("=", 1) for word in words if "=" in word)
    return {key: value for key, value in pairs if "." not in key and isinstance(config.get(key, {}), Mapping)}


def labelled(records: Sequence[RunRecord]) -> dict[Path, Label]:
    """Name by run folder the configuration of each run within its environment.

    Where an environment has a single configuration nothing differs, so it gets the one label of other environments that
    is true of it.
    """
    members: dict[str, dict[str, list[RunRecord]]] = {}
    for record in records:
        members.setdefault(record.environment, {}).setdefault(group(record.config), []).append(record)
    origins = joined_origins(record.origin for record in records)
    described = {name: [_described(same, origins) for same in groups.values()] for name, groups in members.items()}
    found = {name: labels(several) for name, several in described.items()}
    elsewhere = sorted({text for texts, _ in found.values() if len(texts) > 1 for text in texts})
    named: dict[Path, Label] = {}
    for environment, groups in members.items():
        texts, shared = found[environment]
        if len(texts) == 1:
            texts = [fitting(elsewhere, described[environment][0]) or texts[0]]
        for text, same in zip(texts, groups.values(), strict=True):
            named |= {record.folder.path: Label(text, "; ".join(shared)) for record in same}
    return named


def _described(same: Sequence[RunRecord], origins: Mapping[Origin | None, str]) -> Described:
    known = [record.typed for record in same if record.typed is not None]
    typed = tuple(dict.fromkeys(chain(*known))) if known else None
    return Described(same[0].config, same[0].choices, typed, origins[same[0].origin])
