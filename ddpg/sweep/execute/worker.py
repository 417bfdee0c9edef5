"""The process of one run: it trains a frozen run folder, without Hydra, whatever became of the YAML files since.

It exits with 0 when the run is done, with 128 + signal when a signal interrupted it, with MACHINE_FAILED when the
machine failed, and with 1 when the run did. A mistake is logged in one line, a bug with its traceback. Standard output
is the run's train.log.
"""

import ctypes
import errno
import logging
import os
import signal
import subprocess
import sys
import traceback
from functools import cache
from pathlib import Path

from ddpg.errors import UserError
from ddpg.interrupt import Interrupted, ending_at_once
from ddpg.record.provenance import commits
from ddpg.record.run_folder import RunFolder
from ddpg.sweep.process import command, log_to_stdout, without_log_prefix

log = logging.getLogger(__name__)

#: The exit code where the machine failed and not the values of the run, as with a full disk.
MACHINE_FAILED = os.EX_OSERR
#: Errors of the system that no value of a run causes: a full, broken or read-only disk, too many files, no memory.
OF_THE_MACHINE = (
    errno.ENOSPC,
    errno.EDQUOT,
    errno.EIO,
    errno.ESTALE,
    errno.EROFS,
    errno.EMFILE,
    errno.ENFILE,
    errno.ENOMEM,
)
#: Seconds for which a worker waits for the run's folder: NFS keeps the lock of a lost node until its lease is over, and
#: `ddpg-sweep sync` may be sending the run.
PATIENCE_S = 300.0
#: Linux's request to prctl for a signal at the end of the parent process.
PR_SET_PDEATHSIG = 1
#: Variables that set the number of threads, and are read before torch is even imported.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def start_worker(run: Path, threads: int, directory: Path, gpu: str | None = None) -> "subprocess.Popen[bytes]":
    """Start a process that trains a frozen run folder and ends with this process.

    Args:
        run: the run folder; what the process prints is added to its train.log.
        threads: of torch and of the libraries for linear algebra.
        directory: the working directory; the YAML can name packages there.
        gpu: the only GPU that the run sees; None to leave that to CUDA_VISIBLE_DEVICES.
    """
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
    if gpu is not None:
        environment["CUDA_VISIBLE_DEVICES"] = gpu
    with (run / "train.log").open("ab") as output:
        return subprocess.Popen(
            command("ddpg.sweep.execute.worker", str(run.absolute()), str(os.getpid())),
            env=environment,
            cwd=directory,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the runs through this process alone
        )


def last_line(printed: Path, since: int) -> str:
    """Return the last line that a worker printed, without the time and level of the log, or "".

    Args:
        printed: the train.log.
        since: its size in bytes before the worker started.
    """
    with printed.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(since, end - 10_000))
        lines = file.read().decode(errors="replace").split("\n")
    line = next((line for line in reversed(lines) if line.strip()), "")
    return without_log_prefix(line)


def main() -> None:
    """Train the run folder that the command line names, for the process whose number it names."""
    end_with(int(sys.argv[2]))
    log_to_stdout()
    logging.getLogger("absl").setLevel(logging.WARNING)
    sys.path.append(str(Path.cwd()))  # the YAML can name a package there
    try:
        train(Path(sys.argv[1]))
    except Interrupted as error:
        sys.exit(error.exit_code)
    except UserError as error:
        # a mistake is one line; what a simulator raised comes with its traceback
        log.error("%s", error, exc_info=error.__cause__)
        sys.exit(MACHINE_FAILED if is_of_the_machine(error) else 1)
    except Exception as error:
        traceback.print_exc()
        sys.exit(MACHINE_FAILED if is_of_the_machine(error) else 1)


def is_of_the_machine(error: BaseException) -> bool:
    """Whether the machine caused an error, which then says nothing about the values of the run.

    Values can name a file or a package that is not there, and make a simulator lose its connection.
    """
    cause: BaseException | None = error
    while cause is not None and not (isinstance(cause, OSError) and cause.errno in OF_THE_MACHINE):
        cause = cause.__cause__
    return cause is not None


def is_own_failure(code: int) -> bool:
    """Whether a worker's exit code says that its run failed, which was neither killed nor stopped by the machine.

    Args:
        code: the exit code, or minus the signal that killed the process.
    """
    return 0 < code < 128 and code != MACHINE_FAILED


def train(path: Path) -> float | None:
    """Start or continue the run that was frozen in `path`, or return its result: see `ddpg.run.lifecycle.run`."""
    folder = RunFolder(path)
    with ending_at_once():
        from ddpg.record.config_file import read_config
        from ddpg.run.lifecycle import run  # torch takes a second, in which a signal should end the process

        folder.claim(PATIENCE_S, on_wait=_say_that_it_waits)
    _warn_of_other_code(folder)
    return run(read_config(folder.config), path)


@cache  # one line, however long it takes
def _say_that_it_waits() -> None:
    log.info("waits for the run folder, which another process holds, for %g s at most", PATIENCE_S)


def _warn_of_other_code(folder: RunFolder) -> None:
    """Log a warning if the code has changed since the submission, because only the config is frozen."""
    frozen = next((start for start in folder.starts() if "submitted" in start), {})
    if frozen.get("commit") is None and frozen.get("commit_of_directory") is None:
        return
    now = commits()
    for key, code in (("commit", "the code of ddpg"), ("commit_of_directory", f"the code in {Path.cwd()}")):
        if frozen.get(key) not in (None, now[key]):
            log.warning("%s is at commit %s, the run was submitted with %s", code, now[key], frozen[key])


def end_with(parent: int) -> None:
    """Let SIGTERM end this process when its parent dies, so that no run goes on that nobody knows of. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died while Python started
            sys.exit(128 + signal.SIGTERM)
