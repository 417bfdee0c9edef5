"""Runs as processes of this machine: on a laptop the whole sweep, on a cluster the runs of one job."""

import logging
import os
import signal
import time
from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from ddpg.errors import UserError
from ddpg.interrupt import BY_HAND, SIGNALS, InterruptFlag
from ddpg.record.run_folder import RunFolder
from ddpg.sweep.execute.cores import claimed, usable
from ddpg.sweep.execute.worker import MACHINE_FAILED, is_own_failure, last_line, start_worker
from ddpg.sweep.process import visible_gpus
from ddpg.sweep.state.folder import SweepRun
from ddpg.sweep.state.summary import summarize

log = logging.getLogger(__name__)

POLL_S = 0.1


@dataclass
class _Slot:
    """Room for one run at a time."""

    cores: list[int]
    gpu: str | None


@dataclass
class _Started:
    """A run that was started.

    Args:
        run: which run.
        process: its worker.
        version: of the status.json that was there before.
        logged: the size in bytes that its train.log had before.
    """

    run: SweepRun
    process: "Popen[bytes]"
    version: tuple[int, int] | None
    logged: int


class Pool:
    """Trains runs at the same time, each on cores of its own."""

    def __init__(self, processes: int | None, threads: int, directory: Path) -> None:
        """Prepare a pool.

        Args:
            processes: how many runs are trained at the same time; None for as many as there are cores for.
            threads: cores of each run.
            directory: where the sweep was launched: the YAML can name packages there.
        """
        self.threads = threads
        self.directory = directory
        if not directory.is_dir():
            self.directory = Path.cwd()
            log.warning("%s is gone, where the sweep was started: packages of yours are searched here", directory)
        self.processes = processes or max(1, len(usable()) // threads)
        #: How the newest process of each run ended, by the run's number: its exit code, or minus the signal.
        self.exit_codes: dict[int, int] = {}

    def train(
        self, runs: Sequence[SweepRun], interrupt: InterruptFlag, enough: Callable[[], bool] = lambda: False
    ) -> list[SweepRun]:
        """Train the runs and return those that are not done afterwards.

        A signal is passed on to the runs, which save and end, and no other run is started; `interrupt.signum` is
        set then. When `enough` returns True, which is asked all the time, they save and end as well.
        """
        waiting = deque(runs)
        started: dict[int, _Started] = {}
        with self._slots(min(self.processes, len(runs))) as slots:
            while interrupt.signum is None and (waiting or started) and not enough():
                for place, slot in enumerate(slots):
                    if place in started and started[place].process.poll() is not None:
                        self._conclude(started.pop(place))
                    if place not in started and waiting:
                        run = waiting.popleft()
                        with _mishaps_of(run):
                            started[place] = self._start(run, slot)
                time.sleep(POLL_S)
            self._stop(started.values(), interrupt.signum or signal.SIGTERM)
        return [run for run in runs if summarize(run.path).state != "done"]

    @contextmanager
    def _slots(self, count: int) -> Iterator[list[_Slot]]:
        """Claim cores and deal out GPUs for `count` runs at a time."""
        gpus = visible_gpus()
        slots = []
        with ExitStack() as claims:
            for place in range(count):
                cores = claims.enter_context(claimed(self.threads))
                slots.append(_Slot(cores, gpus[place % len(gpus)] if gpus else None))
            yield slots

    def _stop(self, started: Collection[_Started], signum: int) -> None:
        """Let the runs save and end, and wait for that."""
        if not started:
            return
        log.info("%s: the runs save and end, %d of them", signal.Signals(signum).name, len(started))
        # Slurm has signalled some of the runs already. SIGTERM or SIGUSR2 a second time changes nothing, but a second
        # SIGINT or SIGQUIT would cut a save short, so these go on as SIGTERM.
        passed_on = signal.SIGTERM if signum in BY_HAND else signum
        for one in started:
            one.process.send_signal(passed_on)
        for one in started:
            one.process.wait()
            self._conclude(one, signum)

    def _conclude(self, ended: _Started, signum: int | None = None) -> None:
        self.exit_codes[ended.run.number] = ended.process.returncode
        _conclude(ended, signum)

    def _start(self, run: SweepRun, slot: _Slot) -> _Started:
        version = _version(run.path)
        log_file = run.path / "train.log"
        logged = log_file.stat().st_size if log_file.exists() else 0
        with _on_cores(slot.cores):
            process = start_worker(run.path, self.threads, self.directory, slot.gpu)
        log.info("#%d starts: %s", run.number, run.path)
        return _Started(run, process, version, logged)


@contextmanager
def _on_cores(cores: Sequence[int]) -> Iterator[None]:
    """Let a process that is started within the block have these cores alone; with [] the system decides."""
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


@contextmanager
def _mishaps_of(run: SweepRun) -> Iterator[None]:
    """Log an OSError and go on: a folder that is away, or a full disk, must not stop the other runs."""
    try:
        yield
    except OSError as error:
        log.warning("#%d is left alone: %s", run.number, error)


def _conclude(ended: _Started, signum: int | None) -> None:
    """Log how a run ended, and write it into status.json if its process could not.

    Args:
        ended: the run.
        signum: the signal that the pool got; None if it got none. It is logged instead of SIGTERM, which may have been
            passed on instead of it, and which status.json has.
    """
    run = ended.run
    folder = RunFolder(run.path)
    printed = run.path / "train.log"
    code = ended.process.returncode
    with _mishaps_of(run):
        line = last_line(printed, ended.logged)
        state = folder.status().get("state")
        is_silent = state == "running" or _version(run.path) == ended.version
        if code and state != "done" and (is_silent or code == MACHINE_FAILED):
            _record_death(folder, code, line if is_silent else None)
        summary = summarize(run.path)
        if summary.state == "done":
            result = "no evaluations" if summary.last_return is None else f"return {summary.last_return:.1f}"
            log.info("#%d done: %s", run.number, result)
        else:
            reason = summary.error or line
            if signum is not None and signum in BY_HAND and summary.state == "interrupted":
                reason = reason.replace(signal.SIGTERM.name, _signal_name(signum), 1)
            log.warning("#%d %s: %s (%s)", run.number, summary.state, reason, printed)


def _version(run: Path) -> tuple[int, int] | None:
    """Return numbers that differ between two writes of a run's status.json, even of the same text; None if it is not
    there."""
    try:
        stat = (run / "status.json").stat()
    except FileNotFoundError:
        return None
    return stat.st_mtime_ns, stat.st_ino


def _record_death(folder: RunFolder, code: int, line: str | None) -> None:
    """Write into status.json what a process could not: that and why it ended, and whether the machine is the cause.

    Args:
        folder: of the run.
        code: the exit code of the process, or minus the signal that killed it.
        line: the last line that it printed; None if it has written down itself why it ended.
    """
    try:
        with folder.lock():
            status = {"env_step": 0, **folder.status()}
            status.pop("by_machine", None)
            if line is not None:
                state = "interrupted" if -code in SIGNALS else "failed"
                status |= {"state": state, "error": _reason(code, line)}
            if status["state"] == "failed" and not is_own_failure(code):
                status["by_machine"] = True
            folder.write_status(**status)
    except UserError as error:  # the folder belongs to another process, which writes its status
        log.warning("%s", error)


def _signal_name(number: int) -> str:
    """Return the name of a signal; a real-time signal has only a number."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _reason(code: int, line: str) -> str:
    """Return why a process ended, in words."""
    if code > 0:
        return line or f"exit code {code}"
    name = _signal_name(-code)
    if -code in SIGNALS:
        return f"{name} before or after its training"
    if -code == signal.SIGKILL:
        return f"killed by {name} (out of memory?)"
    return f"killed by {name}"
