"""Sweeps that Hydra's own launchers ran: they have no sweep.json, only run folders."""

import json
import logging
import shlex
import socket
from pathlib import Path

import yaml

from ddpg.config.spelling import as_typed
from ddpg.errors import UserError, first_line
from ddpg.record.find_run import near_folder
from ddpg.record.run_folder import is_run_folder, read_yaml, run_folders
from ddpg.sweep.state.folder import SweepRun
from ddpg.sweep.state.tasks import Task

log = logging.getLogger(__name__)


def find_runs(path: Path) -> list[SweepRun]:
    """Return the runs in a folder and below it, in natural order.

    Raises:
        UserError: there are no runs, or the folder is a run itself, or it holds several sweeps.
    """
    if not path.is_dir():
        raise UserError(f"{path}: there is no such folder{near_folder(path)}")
    if is_run_folder(path):
        raise UserError(f"{path} is a run, not a sweep; to go on with it: ddpg-train resume={shlex.quote(str(path))}")
    sweeps = sorted(path.glob("*/sweep.json"))
    if sweeps:
        raise UserError(f"{path} holds {len(sweeps)} sweeps: name one of them, as in {sweeps[-1].parent}")
    folders = list(run_folders(path))
    if not folders:
        raise UserError(f"{path} is no folder of a sweep: it has no sweep.json, and there are no runs in it")
    return [SweepRun(number, folder, _overrides(folder)) for number, folder in enumerate(folders)]


def last_process(run: SweepRun) -> Task:
    """Return the process that last trained a run, as a task.

    If it was on this machine it is gone, because a process that lives would hold the run's lock.
    """
    path = run.path / "provenance.json"
    try:
        host = json.loads(path.read_bytes())[-1]["machine"]["host"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        log.warning("%s does not name the host of the run: %s", path, first_line(error))
        return Task("gone")
    return Task("gone") if host == socket.gethostname() else Task("unknown", host=host)


def _overrides(folder: Path) -> tuple[str, ...]:
    """Return the overrides that Hydra recorded; () if there is no record."""
    path = folder / ".hydra" / "overrides.yaml"
    try:
        words = read_yaml(path) or ()
    except FileNotFoundError:
        return ()
    except (OSError, yaml.YAMLError) as error:
        log.warning("%s cannot be read: %s", path, first_line(error))
        return ()
    return tuple(as_typed(words))
