"""The runs of a sweep of which there is no record, because they have not started or their folders are gone."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from ddpg.report.filters import every_value
from ddpg.report.reading import RunRecord
from ddpg.report.repeat import command_of, repeat, why_no_command
from ddpg.sweep.state.folder import SweepFolder, SweepRun

#: What is known of such a run; one without a folder may have been done before somebody removed it.
NOT_STARTED = "not started"
NO_FOLDER = "without a folder"


def missing_runs(
    waiting: Sequence[RunRecord], started: Sequence[RunRecord], folders: Sequence[Path], keys: Collection[str]
) -> list[dict[str, Any]]:
    """List the runs that a sweep has planned and of which there is no record: first those that wait, in their order.

    Args:
        waiting: run folders that have a config, but no status.
        started: the other runs.
        folders: those of the report; sweeps that lie in them are read.
        keys: those that the entries of the other runs have; nobody knows them of a run without a folder.
    """
    known = [*started, *waiting]
    sweeps = sorted({parent for record in known for parent in _parents(record.folder.path, folders)} | set(folders))
    found = [SweepFolder(path) for path in sweeps]
    return [_waiting(record, keys) for record in waiting] + [
        _without_folder(run, sweep.manifest().get("config_dir"))
        for sweep in found
        if sweep.exists
        for run in sweep.runs
        if not run.path.exists()
    ]


def _parents(path: Path, folders: Sequence[Path]) -> list[Path]:
    """Return the two folders above a run, as far as they are folders of the report or lie in one."""
    return [parent for parent in list(path.parents)[:2] if any(parent.is_relative_to(folder) for folder in folders)]


def _waiting(record: RunRecord, keys: Collection[str]) -> dict[str, Any]:
    return {
        "folder": str(record.folder.path),
        "environment": record.environment,
        "seed": record.config["seed"],
        "keys": {key: value for key, value in every_value(record).items() if key in keys},
        "state": NOT_STARTED,
        "counts": False,
        "command": repeat(record).command or None,
    }


def _without_folder(run: SweepRun, config_dir: str | None) -> dict[str, Any]:
    return {
        "folder": str(run.path),
        "environment": None,
        "seed": None,
        "keys": {},
        "state": NO_FOLDER,
        "counts": False,
        "command": None if why_no_command(run.overrides) else command_of(run.overrides, config_dir),
    }
