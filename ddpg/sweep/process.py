"""Processes of this machine: starting one, telling it from others, and what it uses."""

import logging
import os
import re
import socket
import subprocess
import sys
from io import TextIOWrapper
from pathlib import Path

from ddpg.procfs import PROC, proc_field
from ddpg.streams import outlast_readers

#: Like `python -m MODULE`, but no file of the working directory hides one of Python's modules or of this package, and
#: SIGINT ends it without a word until the module catches signals.
PROGRAM = (
    "import sys; sys.path = [*filter(None, sys.path)]; "
    "import signal; signal.signal(signal.SIGINT, signal.SIG_DFL); from {} import main; main()"
)


def command(module: str, *arguments: str) -> list[str]:
    """Return the command line that calls `main` of a module in a new Python."""
    return [sys.executable, "-c", PROGRAM.format(module), *arguments]


def log_to_stdout() -> None:
    """Let a worker, or a process that watches over workers, log to standard output in UTF-8, even to a full disk."""
    outlast_readers()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="[%(asctime)s][%(levelname)s] %(message)s")


def without_log_prefix(line: str) -> str:
    """Remove the time and the level that `log_to_stdout` writes before a message."""
    return re.sub(r"^\[[^]]*\]\[\w+\] ", "", line).strip()


def visible_gpus() -> list[str]:
    """Return the names of the GPUs in CUDA_VISIBLE_DEVICES, or of all GPUs if that is not set."""
    chosen = os.environ.get("CUDA_VISIBLE_DEVICES")
    if chosen is not None:
        return [name for name in chosen.split(",") if name]
    return sorted(path.name.removeprefix("nvidia") for path in Path("/dev").glob("nvidia[0-9]*"))


def this_process() -> str:
    """Return HOST:PID:STARTED of this process, which no other process of any machine has."""
    return f"{socket.gethostname()}:{os.getpid()}:{start_time(os.getpid())}"


def start_time(pid: int) -> str | None:
    """Return when a process of this machine started, in the system's own form, or None if it has ended.

    The start tells a process from a later one with the same number.
    """
    if not (PROC / "self").exists():  # macOS
        return _start_time_by_ps(pid)
    fields = _stat_fields(pid)
    if not fields or fields[0] in "ZX":  # a zombie has ended, whether or not its parent knows
        return None
    return fields[19]


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process in seconds; 0 where the system does not report it."""
    fields = _stat_fields(pid)
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK") if fields else 0.0


def peak_memory_gb(pid: int) -> float:
    """Return the most memory that a process has had, in GiB; 0 where the system does not report it."""
    peak = proc_field(f"{pid}/status", "VmHWM")
    return 0.0 if peak is None else int(peak.removesuffix(" kB")) / 2**20


def _stat_fields(pid: int) -> list[str]:
    """Return the fields of /proc/PID/stat from the third one on, the state; [] if there is no such file."""
    try:
        return (PROC / f"{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return []


def _start_time_by_ps(pid: int) -> str | None:
    """Return the start as `ps` prints it, in letters and digits alone: "SatNov211938432026"."""
    words = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    printed = subprocess.run(words, capture_output=True, encoding="utf-8", errors="replace", check=False).stdout
    state, _, began = printed.strip().partition(" ")
    return None if state[:1] in ("", "Z") else re.sub(r"\W", "", began)
