"""Trains the runs of the list, several at a time, each in a niced process of its own with one thread."""

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from ddpg.errors import UserError
from ddpg.interrupt import InterruptFlag
from ddpg.record.claims import locked
from ddpg.sweep.execute.worker import THREAD_VARIABLES
from ddpg.sweep.state.status import is_locked
from ddpg.sweep.state.summary import summarize
from reproduce.plan import ROOT, PlannedRun
from reproduce.record import has_record, is_over, write_record

RUNS = ROOT / "outputs" / "sweeps" / "evidence"
POLL_S = 0.2


@dataclass
class Trainer:
    """Works through runs in their order. `always` are overrides for each of them, `niceness` is 0 to 19."""

    always: Sequence[str]
    runs: Path
    records: Path
    niceness: int
    failed: list[PlannedRun] = field(default_factory=list)

    def train(self, planned: Sequence[PlannedRun], jobs: int, interrupt: InterruptFlag) -> None:
        """Trains what has no record yet, `jobs` at a time, until a signal comes: then the runs save and end.

        Runs that fail are listed in `failed`. UserError if another process does the same.
        """
        with locked(self.runs, str(self.runs), f"{self.runs} is in use: another process trains the list"):
            waiting = deque(run for run in planned if not has_record(run, self.records))
            processes: dict[PlannedRun, subprocess.Popen[bytes]] = {}
            try:
                while interrupt.signum is None and (waiting or processes):
                    self._conclude(processes)
                    if waiting and len(processes) < jobs:
                        self._begin(waiting.popleft(), processes)
                    else:
                        time.sleep(POLL_S)
            finally:
                _stop(processes)
                self._conclude(processes)

    def _begin(self, run: PlannedRun, processes: dict[PlannedRun, subprocess.Popen[bytes]]) -> None:
        """Starts or continues a run; one that is over or that another process trains is not started."""
        folder = self.runs / run.name
        if is_locked(folder):
            _tell(f"{run.name} is trained by another process")
        elif is_over(folder, run):
            self._record(run)
        else:
            processes[run] = self._start(run)
            _tell(f"{run.name} {'continues' if folder.exists() else 'starts'}")

    def _start(self, run: PlannedRun) -> "subprocess.Popen[bytes]":
        words = [*run.overrides, *self.always, f"hydra.run.dir='{self.runs / run.name}'"]
        with (self.runs / f"{run.name}.log").open("ab") as output:
            process = subprocess.Popen(
                ["nice", "-n", str(self.niceness), sys.executable, str(ROOT / "scripts" / "train.py"), *words],
                env=os.environ | dict.fromkeys(THREAD_VARIABLES, "1"),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the runs through this process alone
            )
        _lower_session(process.pid, self.niceness)
        return process

    def _conclude(self, processes: dict[PlannedRun, subprocess.Popen[bytes]]) -> None:
        """Writes the records of the runs that have ended, and says how the others did."""
        for run in [run for run, process in processes.items() if process.poll() is not None]:
            process = processes.pop(run)
            if is_over(self.runs / run.name, run):
                self._record(run)
            elif summarize(self.runs / run.name).state == "interrupted" or process.returncode == -signal.SIGTERM:
                _tell(f"{run.name} is interrupted, and continues at the next call")
            else:
                self._fail(run, f"ended with {process.returncode}: {self.runs / run.name}.log")

    def _record(self, run: PlannedRun) -> None:
        try:
            record = write_record(run, self.runs / run.name, self.records)
        except UserError as error:
            self._fail(run, str(error))
        else:
            _tell(f"{run.name} is over ({summarize(self.runs / run.name).state}): {record}")

    def _fail(self, run: PlannedRun, reason: str) -> None:
        self.failed.append(run)
        _tell(f"{run.name} failed: {reason}")


def _lower_session(pid: int, niceness: int) -> None:
    """Lowers the session of a process beside the other sessions of the machine.

    Linux schedules sessions against each other (autogroup), so the niceness of a process counts within its own session
    only. A kernel without autogroups has no such file, and there the niceness of the process is enough.
    """
    with suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(niceness), encoding="ascii")


def _stop(processes: Mapping[PlannedRun, "subprocess.Popen[bytes]"]) -> None:
    """Lets the runs save, and waits for their end."""
    for process in processes.values():
        process.send_signal(signal.SIGTERM)
    for process in processes.values():
        process.wait()


def _tell(message: str) -> None:
    print(time.strftime("%Y-%m-%d %H:%M:%S"), message, flush=True)
