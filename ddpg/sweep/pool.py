"""Runs as processes of their own on this machine: on a laptop the whole sweep, on a cluster one job's share of it."""

import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ddpg.errors import UserError
from ddpg.interrupt import InterruptFlag
from ddpg.run_folder import RunFolder
from ddpg.sweep.cores import claimed, usable
from ddpg.sweep.folder import Run

log = logging.getLogger(__name__)

POLL_S = 0.1
#: What decides the number of threads before torch is even imported.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


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
    """Trains runs, `processes` at the same time, with `threads` cores for each (None: as many as there are)."""

    def __init__(self, processes: int | None, threads: int) -> None:
        self.threads = threads
        self.processes = processes or max(1, len(usable()) // threads)

    def train(self, runs: Sequence[Run], interrupt: InterruptFlag) -> list[Run]:
        """Trains them all; those that are not done afterwards.

        A signal is passed on to the runs; they save and end, and what waits is not started. `interrupt.signum` says
        so afterwards.
        """
        waiting, started = deque(runs), dict[int, _Started]()
        with self._slots(min(self.processes, len(runs))) as slots:
            while interrupt.signum is None and (waiting or started):
                for place in range(len(slots)):
                    if place in started and started[place].process.poll() is not None:
                        _conclude(started.pop(place))
                    if place not in started and waiting:
                        started[place] = self._start(waiting.popleft(), slots[place])
                time.sleep(POLL_S)
            if interrupt.signum is not None:
                _stop(started.values(), interrupt.signum)
        return [run for run in runs if RunFolder(run.path).status().get("state") != "done"]

    @contextmanager
    def _slots(self, count: int) -> Iterator[list[_Slot]]:
        gpus = visible_gpus()
        with ExitStack() as claims:
            yield [
                _Slot(claims.enter_context(claimed(self.threads)), gpus[place % len(gpus)] if gpus else None)
                for place in range(count)
            ]

    def _start(self, run: Run, slot: _Slot) -> _Started:
        before = _version(run.path)
        environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(self.threads))
        if slot.gpu is not None:
            environment["CUDA_VISIBLE_DEVICES"] = slot.gpu
        with (run.path / "train.log").open("ab") as output:
            logged = output.tell()
            process = subprocess.Popen(
                [sys.executable, "-m", "ddpg.sweep.worker", str(run.path)], env=environment,
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches the runs through the pool alone
            )  # fmt: skip
        if slot.cores:
            with suppress(ProcessLookupError):  # it has ended already
                os.sched_setaffinity(process.pid, slot.cores)
        log.info("#%d starts: %s", run.number, run.path)
        return _Started(run, process, before, logged)


def _stop(started: Collection[_Started], signum: int) -> None:
    """Lets the runs save and end."""
    log.info("%s: %d runs save and end", signal.Signals(signum).name, len(started))
    for one in started:
        # Slurm has told some of them already: another signal of these changes nothing, a second Ctrl-C would
        one.process.send_signal(signal.SIGTERM if signum == signal.SIGINT else signum)
    for one in started:
        one.process.wait()
        _conclude(one)


def _conclude(ended: _Started) -> None:
    """Says how a run ended, also in its status.json if its process could not."""
    run, code, folder = ended.run, ended.process.returncode, RunFolder(ended.run.path)
    status = folder.status()
    if code and (_version(run.path) == ended.before or status.get("state") == "running"):
        _record_death(folder, code, _last_words(run.path / "train.log", ended.logged))
        status = folder.status()
    if status.get("state") == "done":
        log.info("#%d done: return %.1f", run.number, status["last_return"])
    else:
        log.warning("#%d %s: %s (%s)", run.number, status.get("state"), status.get("error"), run.path / "train.log")


def _version(run: Path) -> tuple[int, int] | None:
    """Tells one status.json from the next, also where a run fails as it did before; None: there is none."""
    try:
        stat = (run / "status.json").stat()
    except FileNotFoundError:
        return None
    return stat.st_mtime_ns, stat.st_ino


def _last_words(printed: Path, since: int) -> str:
    """The last line that a process printed; `since`: the bytes that were there before."""
    with printed.open("rb") as file:
        file.seek(max(since, file.seek(0, os.SEEK_END) - 10_000))
        lines = file.read().decode(errors="replace").split("\n")
    line = next((line for line in reversed(lines) if line.strip()), "")
    return re.sub(r"^\[[^]]*\]\[\w+\] ", "", line).strip()


def _record_death(folder: RunFolder, code: int, words: str) -> None:
    """For a process that ended without a word in status.json; those that it printed may say why."""
    name = signal.Signals(-code).name if code < 0 else ""
    told_to_end = -code in (signal.SIGTERM, signal.SIGUSR2, signal.SIGHUP)  # before it listened
    reason = (
        f"{name} while it started" if told_to_end else f"killed by {name}" if name else words or f"exit code {code}"
    )
    reason += " (out of memory?)" if -code == signal.SIGKILL else ""
    try:
        with folder.lock():
            state = "interrupted" if told_to_end else "failed"
            folder.write_status(**{"env_step": 0, **folder.status(), "state": state, "error": reason})
    except UserError as error:  # the folder belongs to another process, whose status it is
        log.warning("%s", error)


def visible_gpus() -> list[str]:
    """As CUDA_VISIBLE_DEVICES says, else all of this machine."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name for name in chosen.split(",") if name]
    return sorted(path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*"))


def this_process() -> str:
    """This process as `Submission.tasks` names a pool."""
    return f"{socket.gethostname()}:{os.getpid()}:{start_ticks(os.getpid())}"


def start_ticks(pid: int) -> str | None:
    """When a process of this machine started: tells it from a later one of the same number. None: there is none."""
    if not Path("/proc/self").exists():  # macOS
        return _start_by_ps(pid)
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]  # a zombie has ended, whether or not its parent knows


def _start_by_ps(pid: int) -> str | None:
    """The same in words that have no colon, where there is no /proc: "SatNov211938432026"."""
    said = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    state, _, began = said.stdout.strip().partition(" ")
    return None if state[:1] in ("", "Z") else re.sub(r"\W", "", began)
