"""The process of one run: trains a frozen run folder, without Hydra and whatever happened to its YAML.

Exits with 0 when the run is done, 128 + signal when one interrupted it, 1 when it failed: a mistake in one line, a
bug with its traceback. Standard output is the run's train.log.
"""

import ctypes
import logging
import os
import signal
import subprocess
import sys
from pathlib import Path

from ddpg.errors import UserError
from ddpg.interrupt import Interrupted
from ddpg.record.provenance import code_commit
from ddpg.record.run_folder import RunFolder
from ddpg.sweep.process import command, log_to_stdout, without_log_prefix

log = logging.getLogger(__name__)

PR_SET_PDEATHSIG = 1
#: Variables that set the number of threads, read before torch is even imported.
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def start_worker(run: Path, threads: int, directory: Path, gpu: str | None = None) -> "subprocess.Popen[bytes]":
    """A process in `directory` that trains a frozen run folder, prints to RUN/train.log and ends with this one."""
    environment = os.environ | dict.fromkeys(THREAD_VARIABLES, str(threads))
    if gpu is not None:
        environment["CUDA_VISIBLE_DEVICES"] = gpu
    with (run / "train.log").open("ab") as output:
        return subprocess.Popen(
            command("ddpg.sweep.execute.worker", str(run.absolute()), str(os.getpid())),
            env=environment, cwd=directory,
            stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches the runs through this process alone
        )  # fmt: skip


def last_words(printed: Path, since: int) -> str:
    """The last line that a worker printed, without time and level; `since`: the bytes there before."""
    with printed.open("rb") as file:
        file.seek(max(since, file.seek(0, os.SEEK_END) - 10_000))
        lines = file.read().decode(errors="replace").split("\n")
    line = next((line for line in reversed(lines) if line.strip()), "")
    return without_log_prefix(line)


def main() -> None:
    """Of the run folder that the command line names, for the process whose number it names: `start_worker`."""
    _end_with(int(sys.argv[2]))
    log_to_stdout()
    logging.getLogger("absl").setLevel(logging.WARNING)
    sys.path.append(str(Path.cwd()))  # a package there can be named in the YAML
    try:
        work(Path(sys.argv[1]))
    except Interrupted as error:
        sys.exit(error.exit_code)
    except UserError as error:
        log.error("%s", error, exc_info=error.__cause__)  # a mistake in one line; what a simulator raised in full
        sys.exit(1)


def work(path: Path) -> float:
    """Starts, goes on or returns the result of the run that was frozen in `path`; see `ddpg.run.lifecycle.run`."""
    from ddpg.record.config_file import read_config
    from ddpg.run.lifecycle import run  # torch takes a second, in which a signal should end the process

    folder = RunFolder(path)
    _tell_of_other_code(folder)
    return run(read_config(folder.config), path)


def _tell_of_other_code(folder: RunFolder) -> None:
    """The config is frozen, the code is not."""
    frozen_at = next((start.get("commit") for start in folder.starts() if "submitted" in start), None)
    if frozen_at and (now := code_commit()) != frozen_at:
        log.warning("the code is at commit %s, the run was submitted with %s", now, frozen_at)


def _end_with(parent: int) -> None:
    """SIGTERM when the supervisor dies: no run goes on that nobody knows of. Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # it died while Python started
            sys.exit(128 + signal.SIGTERM)
