"""Runs as processes of their own on this machine: on a laptop the whole sweep, on a cluster one job's share of it."""

import logging
import os
import signal
import subprocess
import time
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ddpg.errors import UserError
from ddpg.interrupt import InterruptFlag
from ddpg.record.run_folder import RunFolder
from ddpg.sweep.execute.cores import claimed, usable
from ddpg.sweep.execute.worker import last_words, start_worker
from ddpg.sweep.process import visible_gpus
from ddpg.sweep.state.folder import Run
from ddpg.sweep.state.summary import glance

log = logging.getLogger(__name__)

POLL_S = 0.1


@dataclass
class _Slot:
    """Room for one run at a time."""

    cores: list[int]
    gpu: str | None


@dataclass
class _Started:
    """A run that was started; which status.json there was before, and how long its train.log."""

    run: Run
    process: subprocess.Popen[bytes]
    before: tuple[int, int] | None
    logged: int


class Pool:
    """Trains runs, `processes` at the same time (None: as many as fit), with `threads` cores for each.

    `directory` is that of the sweep's command: packages there can be named in the YAML.
    """

    def __init__(self, processes: int | None, threads: int, directory: Path) -> None:
        self.threads, self.directory = threads, directory
        if not directory.is_dir():
            self.directory = Path.cwd()
            log.warning("%s is gone, where the sweep was started: own packages are looked for here", directory)
        self.processes = processes or max(1, len(usable()) // threads)

    def train(self, runs: Sequence[Run], interrupt: InterruptFlag) -> list[Run]:
        """Trains them all; those that are not done afterwards.

        A signal is passed on to the runs; they save and end, and what waits is not started. `interrupt.signum` says
        so afterwards.
        """
        waiting, started = deque(runs), dict[int, _Started]()
        with self._slots(min(self.processes, len(runs))) as slots:
            while interrupt.signum is None and (waiting or started):
                for place, slot in enumerate(slots):
                    if place in started and started[place].process.poll() is not None:
                        _conclude(started.pop(place))
                    if place not in started and waiting:
                        with _told(waiting[0]):
                            started[place] = self._start(waiting.popleft(), slot)
                time.sleep(POLL_S)
            if interrupt.signum is not None:
                _stop(started.values(), interrupt.signum)
        return [run for run in runs if glance(run.path).said != "done"]

    @contextmanager
    def _slots(self, count: int) -> Iterator[list[_Slot]]:
        gpus = visible_gpus()
        with ExitStack() as claims:
            yield [
                _Slot(claims.enter_context(claimed(self.threads)), gpus[place % len(gpus)] if gpus else None)
                for place in range(count)
            ]

    def _start(self, run: Run, slot: _Slot) -> _Started:
        before, log_file = _version(run.path), run.path / "train.log"
        logged = log_file.stat().st_size if log_file.exists() else 0
        with _on(slot.cores):
            process = start_worker(run.path, self.threads, self.directory, slot.gpu)
        log.info("#%d starts: %s", run.number, run.path)
        return _Started(run, process, before, logged)


@contextmanager
def _on(cores: Sequence[int]) -> Iterator[None]:
    """What is started within it has these cores alone, from its first moment on; [] leaves them to the system."""
    if not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    try:
        with suppress(OSError):  # the system has taken these cores away
            os.sched_setaffinity(0, cores)
        yield
    finally:
        with suppress(OSError):
            os.sched_setaffinity(0, before)


def _stop(started: Collection[_Started], signum: int) -> None:
    """Lets the runs save and end."""
    log.info("%s: the runs save and end, %d of them", signal.Signals(signum).name, len(started))
    for one in started:
        # Slurm has told some of them already: another signal of these changes nothing, a second Ctrl-C would
        one.process.send_signal(signal.SIGTERM if signum == signal.SIGINT else signum)
    for one in started:
        one.process.wait()
        _conclude(one)


def _conclude(ended: _Started) -> None:
    """Says how a run ended, also in its status.json if its process could not."""
    run, code, folder = ended.run, ended.process.returncode, RunFolder(ended.run.path)
    with _told(run):
        words, said = last_words(run.path / "train.log", ended.logged), folder.status().get("state")
        if code and said != "done" and (_version(run.path) == ended.before or said == "running"):
            _record_death(folder, code, words)
        seen = glance(run.path)
        if seen.said == "done":
            log.info("#%d done: return %.1f", run.number, seen.last_return)
        else:
            log.warning("#%d %s: %s (%s)", run.number, seen.said, seen.error or words, run.path / "train.log")


@contextmanager
def _told(run: Run) -> Iterator[None]:
    """A folder that is away or a full disk is this run's mishap alone: the others go on."""
    try:
        yield
    except OSError as error:
        log.warning("#%d is left: %s", run.number, error)


def _version(run: Path) -> tuple[int, int] | None:
    """Tells one status.json from the next, also where a run fails as it did before; None: there is none."""
    try:
        stat = (run / "status.json").stat()
    except FileNotFoundError:
        return None
    return stat.st_mtime_ns, stat.st_ino


def _record_death(folder: RunFolder, code: int, words: str) -> None:
    """For a process that ended without a word in status.json; those that it printed may say why."""
    name = signal.Signals(-code).name if code < 0 else ""
    told_to_end = -code in (signal.SIGTERM, signal.SIGUSR2, signal.SIGHUP)  # while it does not listen
    reason = (
        f"{name} before or after its training" if told_to_end
        else f"killed by {name}" if name
        else words or f"exit code {code}"
    )  # fmt: skip
    reason += " (out of memory?)" if -code == signal.SIGKILL else ""
    try:
        with folder.lock():
            state = "interrupted" if told_to_end else "failed"
            folder.write_status(**{"env_step": 0, **folder.status(), "state": state, "error": reason})
    except UserError as error:  # the folder belongs to another process, whose status it is
        log.warning("%s", error)
