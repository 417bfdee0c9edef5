"""Sweeps that Hydra's own launchers ran: no sweep.json, only run folders."""

import json
import shlex
import socket
from pathlib import Path

import yaml

from ddpg.errors import UserError
from ddpg.record.run_folder import is_run_folder, read_yaml, run_folders
from ddpg.sweep.state.folder import Run
from ddpg.sweep.state.tasks import Task


def runs_of(path: Path) -> list[Run]:
    """The runs in a folder and below it. UserError if there are none, or if it is a run itself."""
    if not path.is_dir():
        raise UserError(f"{path}: there is no such folder")
    if is_run_folder(path):
        raise UserError(f"{path} is a run, not a sweep; to go on with it: ddpg-train resume={shlex.quote(str(path))}")
    if sweeps := sorted(path.glob("*/sweep.json")):
        raise UserError(f"{path} holds {len(sweeps)} sweeps: name one of them, as in {sweeps[-1].parent}")
    runs = [Run(number, folder, _overrides(folder)) for number, folder in enumerate(run_folders(path))]
    if not runs:
        raise UserError(f"{path} is no folder of a sweep: it has no sweep.json, and there are no runs in it")
    return runs


def process_of(run: Run) -> Task:
    """The process that last worked on a run whose status.json says so and whose lock nobody holds here."""
    try:
        host = json.loads((run.path / "provenance.json").read_bytes())[-1]["machine"]["host"]
    except (OSError, ValueError, LookupError, TypeError):
        return Task("gone")
    return Task("gone") if host == socket.gethostname() else Task("unknown", host=host)


def _overrides(folder: Path) -> tuple[str, ...]:
    try:
        return tuple(map(str, read_yaml(folder / ".hydra" / "overrides.yaml") or ()))
    except (OSError, yaml.YAMLError):
        return ()
