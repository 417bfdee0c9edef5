"""`ddpg-sweep sync`: sends what W&B lacks of the runs of a sweep, or of one run."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

from ddpg.config.settings import plain
from ddpg.errors import UserError, first_line
from ddpg.record.config_file import read_config
from ddpg.record.run_folder import RunFolder
from ddpg.record.tracking import Kind, read_metrics
from ddpg.record.tracking.wandb_core import end_wandb_core
from ddpg.record.tracking.wandb_identity import known_identity
from ddpg.record.tracking.wandb_sink import sweep_of
from ddpg.record.tracking.wandb_sync import EndedRun, WandbServer
from ddpg.run.artifacts import write_policies
from ddpg.run.build import build_logger
from ddpg.sweep.state.folder import SweepFolder
from ddpg.sweep.state.hydra_sweeps import find_runs
from ddpg.sweep.state.status import State, is_locked, states

log = logging.getLogger(__name__)

#: Seconds for which it is waited until another command has handed runs over.
PATIENCE_S = 10.0

#: Returns a block within which nobody trains a run; it raises LeftAlone if somebody does, or may begin at any moment.
Reserve = Callable[[RunFolder], AbstractContextManager[None]]
#: Returns what W&B's summary of a run gets beside the run's status.
Results = Callable[[RunFolder], Mapping[str, Any]]


class LeftAlone(Exception):
    """Says why a run is not sent now."""


def sync(path: Path) -> bool:
    """Send what W&B lacks and print a line for each run folder; return False if a run could not be sent.

    A run is locked while it is sent, so a job that starts meanwhile waits for it. The lock of the sweep is held for
    moments only, so that `cancel` and `retry` need not wait for W&B.

    Raises:
        UserError: there are no runs, no key, or no server.
    """
    folders = run_folders(path)
    sweep = sweep_around(path)
    with connected() as server:
        return send_runs(server, folders, SweepRuns(sweep).reserved, lambda folder: {})


def sweep_around(path: Path) -> SweepFolder:
    """Return the sweep that a folder is, or lies in; of a run without a sweep a folder that is none."""
    return SweepFolder(path if SweepFolder(path).exists else sweep_of(path) or path)


@contextmanager
def connected() -> Iterator[WandbServer]:
    """Connect to W&B for the block; raise UserError without a key or a server."""
    try:
        yield WandbServer()
    finally:
        end_wandb_core()


def run_folders(path: Path) -> list[Path]:
    """Return the run folders of a sweep, or the folder itself if it is one; raise UserError if there are none."""
    sweep = SweepFolder(path)
    if sweep.exists:
        return [run.path for run in sweep.runs]
    if RunFolder(path).config.exists():
        return [path]
    return [run.path for run in find_runs(path)]


class SweepRuns:
    """The runs of a sweep, which jobs may train, or runs without a sweep."""

    def __init__(self, sweep: SweepFolder) -> None:
        self._sweep = sweep
        self._alive: dict[Path, State] = {}
        self._submissions = -1

    @contextmanager
    def reserved(self, folder: RunFolder) -> Iterator[None]:
        """Keep others away from a run for the block; a job that starts with it then waits until the run is free.

        Raises:
            LeftAlone: the run is being trained, or a job may go on with it at any moment.
            UserError: another command is handing runs over.
        """
        self._states()  # before the lock is taken, because it may mean to ask Slurm
        with ExitStack() as stack:
            with self._sweep.lock(PATIENCE_S) if self._sweep.exists else nullcontext():
                state = self._states().get(folder.path.resolve())
                if state == "running" or is_locked(folder.path):
                    raise LeftAlone("is being trained")
                if state is not None:
                    raise LeftAlone(f"{state}, and its job may go on with it: not sent now")
                stack.enter_context(folder.lock())
            yield

    def _states(self) -> Mapping[Path, State]:
        """Return the states of the runs that tasks have started, or may start: again if runs were handed over since."""
        submissions = len(self._sweep.submissions())
        if self._sweep.exists and submissions != self._submissions:
            self._alive = {run.run.path.resolve(): run.state for run in states(self._sweep) if run.is_alive}
            self._submissions = submissions
        return self._alive


def send_runs(server: WandbServer, folders: Sequence[Path], reserve: Reserve, results: Results) -> bool:
    """Send the runs, and print a line for each; return False if one of them could not be sent."""
    all_sent = True
    for folder in folders:
        try:
            outcome = _send_run(server, RunFolder(folder), reserve, results)
        except LeftAlone as why:
            outcome = str(why)
        except UserError as error:
            outcome = f"failed: {error}"
            all_sent = False
        except Exception as error:  # whatever W&B or one damaged folder raises, the other runs are sent
            log.debug("%s", folder, exc_info=True)
            outcome = f"failed: {first_line(error)}"
            all_sent = False
        print(f"{folder}: {outcome}", flush=True)
    return all_sent


def _send_run(server: WandbServer, folder: RunFolder, reserve: Reserve, results: Results) -> str:
    """Send what W&B lacks of a run, and return in words what was done."""
    identity = known_identity(folder.path)
    if identity is None:
        return "nothing to send, W&B has never heard of it"
    with reserve(folder):
        config = read_config(folder.config)
        run = _ended(folder, plain(config), results(folder))
        sent = server.send_missing(build_logger(config).wandb, identity, run)
    return "nothing to send" if sent is None else f"sent {sent.rows} rows{' and its policies' * sent.policies}"


def _ended(folder: RunFolder, config: Mapping[str, object], results: Mapping[str, Any]) -> EndedRun:
    """Return what W&B gets of a run."""
    status = folder.status()
    is_done = status.get("state") == "done"
    files: list[tuple[Path, Kind]] = [
        (folder.learning_curve, "image"),
        (folder.last_video, "video"),
    ]
    return EndedRun(
        folder=folder.path,
        config=config,
        rows=read_metrics(folder.metrics),
        exit_code=0 if is_done else 1,
        summary=status,
        results=results,
        files=[(path, kind) for path, kind in files if is_done and path.exists()],
        learned_at=status.get("env_step") if is_done else None,
        write_policies=partial(write_policies, folder) if is_done else lambda top: [],
    )
