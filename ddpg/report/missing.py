"""The runs of a sweep that have not started, which a report names and does not compare."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ddpg.report.reading import RunRecord
from ddpg.report.repeat import command_of, repeat, why_no_command
from ddpg.sweep.state.folder import SweepFolder, SweepRun

NOT_STARTED = "not started"
NO_FOLDER = "its folder is not there"


def missing_runs(
    waiting: Sequence[RunRecord], started: Sequence[RunRecord], folders: Sequence[Path]
) -> list[dict[str, Any]]:
    """List the runs that a sweep has planned and nobody has begun.

    Args:
        waiting: run folders that have a config, but no status.
        started: the other runs.
        folders: those of the report; sweeps that lie in them are read.
    """
    known = [*started, *waiting]
    sweeps = sorted({parent for record in known for parent in _parents(record.folder.path, folders)} | set(folders))
    found = [SweepFolder(path) for path in sweeps]
    return [_waiting(record) for record in waiting] + [
        _without_folder(run, sweep.manifest().get("config_dir"))
        for sweep in found
        if sweep.exists
        for run in sweep.runs
        if not run.path.exists()
    ]


def _parents(path: Path, folders: Sequence[Path]) -> list[Path]:
    """Return the two folders above a run, as far as they are folders of the report or lie in one."""
    return [parent for parent in list(path.parents)[:2] if any(parent.is_relative_to(folder) for folder in folders)]


def _waiting(record: RunRecord) -> dict[str, Any]:
    return {
        "folder": str(record.folder.path),
        "environment": record.environment,
        "seed": record.config["seed"],
        "command": repeat(record).command or None,
        "why": NOT_STARTED,
    }


def _without_folder(run: SweepRun, config_dir: str | None) -> dict[str, Any]:
    return {
        "folder": str(run.path),
        "environment": None,
        "seed": None,
        "command": None if why_no_command(run.overrides) else command_of(run.overrides, config_dir),
        "why": NO_FOLDER,
    }
