"""`ddpg-sweep sync`: sends what W&B has not got of the runs of a sweep, or of one run."""

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from ddpg.errors import UserError, first_line
from ddpg.record.run_folder import RunFolder
from ddpg.record.tracking import Kind, WandbSettings, read_metrics
from ddpg.record.tracking.wandb_core import end_wandb_core
from ddpg.record.tracking.wandb_identity import known_identity
from ddpg.record.tracking.wandb_sink import sweep_of
from ddpg.record.tracking.wandb_sync import EndedRun, WandbServer
from ddpg.sweep.state.folder import SweepFolder
from ddpg.sweep.state.hydra_sweeps import runs_of
from ddpg.sweep.state.status import State, is_held, states


def sync(path: Path) -> bool:
    """Prints a line for each run folder; False if one of them could not be sent.

    A run is locked while it is sent, so what a job may start meanwhile is left alone, and nobody can hand runs over.
    UserError: there are no runs, no key, no server, or another command is handing over.
    """
    folders = run_folders(path)
    sweep = SweepFolder(path if SweepFolder(path).exists else sweep_of(path) or path)
    try:
        server = WandbServer()
        with sweep.alone() if sweep.exists else nullcontext():
            return _sync_runs(server, folders, _coming(sweep) if sweep.exists else {})
    finally:
        end_wandb_core()


def _sync_runs(server: WandbServer, folders: Sequence[Path], coming: Mapping[Path, State]) -> bool:
    sent = True
    for folder in folders:
        try:
            told = _sync_run(server, RunFolder(folder), coming.get(folder.resolve()))
        except Exception as error:  # whatever W&B or one damaged folder raises, the other runs are sent
            told, sent = f"failed: {error if isinstance(error, UserError) else first_line(error)}", False
        print(f"{folder}: {told}", flush=True)
    return sent


def run_folders(path: Path) -> list[Path]:
    """Those of a sweep, or the run folder itself. UserError if there are none."""
    sweep = SweepFolder(path)
    if sweep.exists:
        return [run.path for run in sweep.runs]
    return [path] if RunFolder(path).config.exists() else [run.path for run in runs_of(path)]


def _coming(sweep: SweepFolder) -> dict[Path, State]:
    """Runs that their tasks may start at any moment, or have started, and their states."""
    return {run.run.path.resolve(): run.state for run in states(sweep) if run.is_alive}


def _sync_run(server: WandbServer, folder: RunFolder, coming: State | None) -> str:
    """What was done, in words."""
    if coming == "running" or is_held(folder.path):
        return "is being trained"
    if coming is not None:
        return f"{coming}, and its job may go on with it: not sent now"
    identity = known_identity(folder.path)
    if identity is None:
        return "nothing to send, W&B was never told of it"
    with folder.lock():
        config: Any = OmegaConf.to_container(OmegaConf.load(folder.config))
        node = {key: value for key, value in config["logger"]["wandb"].items() if key != "_target_"}
        sent = server.send_missing(WandbSettings(**node), identity, _ended(folder, config))
    return "nothing to send" if sent is None else f"sent {sent} rows"


def _ended(folder: RunFolder, config: dict[str, Any]) -> EndedRun:
    status = folder.status()
    done = status.get("state") == "done"
    pictures: list[tuple[Path, Kind]] = [
        (folder.path / "learning_curve.png", "image"),
        (folder.actor, "model"),
        (folder.videos / "last.mp4", "video"),
    ]
    files = [(path, kind) for path, kind in pictures if done and path.exists()]
    rows = read_metrics(folder.metrics)
    return EndedRun(folder.path, config, rows, exit_code=0 if done else 1, summary=status, files=files)
