"""A sweep on the Slurm of the tests, begun and steered with the commands of a user."""

import hashlib
import json
import os
import re
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from support.killing import newest_state
from support.runs import TINY, record
from support.runs import flat as flattened
from support.slurm_cluster import PATIENCE_S, Cluster, Command, wait_for

from ddpg.sweep.state.folder import SweepFolder

#: A run of some 10 s, nearly all of it pauses; a signal costs it at most the 200 steps between two snapshots.
RUN = (
    "env=gym", "env.id=Slow-v0", "env.imports=[support.toys]", *TINY, "total_steps=800", "eval.every=400",
    "eval.episodes=1", "buffer_size=10000", "hydra.launcher.mem_gb=1",
)  # fmt: skip
PAUSE_S = 0.01
#: Env steps at which a run is hit: past its first snapshot, far from its end.
HIT = 300


class Sweep:
    """A running `ddpg-train ... -m hydra/launcher=slurm`, whose sweep is in `folder`."""

    def __init__(
        self,
        cluster: Cluster, folder: Path, *overrides: str, run: Sequence[str] = RUN,
        program: str = "ddpg-train", options: Sequence[str] = (), **variables: str,
    ) -> None:  # fmt: skip
        """Start runs with options of Hydra, and with environment variables beside the pause of the toys."""
        self.cluster, self.path = cluster, folder
        self._variables = {"TOYS_PAUSE_S": str(PAUSE_S), **variables}
        self._commands = 0
        words = [*options, *run, *overrides, "hydra/launcher=slurm", f"hydra.sweep.dir={folder}", "-m"]
        self.train = self.command(program, *words)

    def command(self, program: str, *arguments: str, **variables: str) -> Command:
        """Start a command in the sweep's environment."""
        self._commands += 1
        output = self.path.with_name(f"{self.path.name}.{self._commands}.{Path(program).name}")
        return self.cluster.command(program, *arguments, output=output, **{**self._variables, **variables})

    def manage(self, what: str, *arguments: str, **variables: str) -> Command:
        """Run `ddpg-sweep WHAT` to its end."""
        command = self.command("ddpg-sweep", what, str(self.path), *arguments, **variables)
        command.wait()
        return command

    def wait_for(self, condition: Callable[[], Any], what: str) -> Any:
        """Return the result of `condition`, once that is true; if it never is, show the output of `ddpg-train`."""

        def looked() -> Any:
            assert "Traceback" not in self.train.printed, self.train.printed
            return condition()

        return wait_for(looked, lambda: f"{what}; ddpg-train prints:\n{self.train.printed}")

    @property
    def runs(self) -> list[Path]:
        """The run folders, in the order of their numbers, once they are frozen."""
        sweep = SweepFolder(self.path)
        self.wait_for(lambda: sweep.exists or self.train.process.poll(), "there is a sweep.json")
        assert sweep.exists, self.train.printed
        return [run.path for run in sweep.runs]

    @property
    def tasks(self) -> dict[int, str]:
        """Slurm's name of the newest task of each run, once all have one."""
        sweep, runs = SweepFolder(self.path), self.runs
        return self.wait_for(lambda: len(tasks := sweep.tasks().newest) == len(runs) and tasks, "every run has a task")

    def status(self, number: int) -> dict[str, Any]:
        """Return status.json of a run; {} before there is one."""
        path = self.runs[number] / "status.json"
        return json.loads(path.read_text()) if path.exists() else {}

    def starts(self, number: int) -> list[dict[str, Any]]:
        """Return the entries of provenance.json from starts, without that of the submission."""
        entries = json.loads((self.runs[number] / "provenance.json").read_text())
        return [entry for entry in entries if "submitted" not in entry]

    def step(self, number: int) -> int:
        """Return the env step of the newest row of a run's record; -1 before there is one."""
        path = self.runs[number] / "metrics.jsonl"
        rows = record(self.runs[number]) if path.exists() else []
        return rows[-1]["env_step"] if rows else -1

    def wait_for_step(self, number: int, step: int) -> None:
        """Return when a run has come so far."""
        self.wait_for(lambda: self.step(number) >= step, f"{self.runs[number]} comes to step {step}")

    def wait_for_state(self, number: int, *states: str) -> None:
        """Return when the task of a run is in one of these states of Slurm."""
        task = self.tasks[number]
        self.wait_for(lambda: self.cluster.state(task) in states, f"job {task} is {' or '.join(states)}")

    def worker(self, number: int) -> int:
        """Return the process that trains a run."""
        (pid,) = workers(self.runs[number])
        return pid

    def finish(self, code: int, seconds: float = PATIENCE_S) -> str:
        """Return the output of `ddpg-train`, once it has ended with this exit code."""
        assert self.train.wait(seconds) == code, self.train.printed
        return self.train.printed


def table(printed: str) -> dict[int, str]:
    """Return the states in a table of runs, by number."""
    words = "done|running|pending|failed|interrupted|cancelled|vanished|not submitted"
    return {int(number): state for number, state in re.findall(rf"^ *(\d+) .*?\b({words})  ", printed, re.MULTILINE)}


def content(path: Path) -> bytes:
    """Return the content of a file in /proc; empty if the process has ended."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def workers(folder: Path) -> list[int]:
    """Return the processes that train the run, or the runs, in a folder."""
    commands = {p.parent.name: content(p).decode(errors="replace") for p in Path("/proc").glob("[0-9]*/cmdline")}
    return [
        int(pid)
        for pid, words in commands.items()
        if re.search(rf"ddpg.sweep.execute.worker[^\0]*\0{folder}[/\0]", words)
    ]


def kill(*pids: int) -> None:
    """Send SIGKILL to processes."""
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def parent(pid: int) -> int:
    """Return the process that started another; that of a worker is its job on the node."""
    return int(content(Path(f"/proc/{pid}/stat")).rpartition(b")")[2].split()[1])


def fingerprint(folder: Path) -> dict[str, str]:
    """Return hashes of the state and the record of a finished run, without timings."""
    digest = hashlib.sha256()
    for name, value in sorted(flattened(newest_state(folder)).items()):
        digest.update(f"{name} ".encode() + (bytes_of(value) if hasattr(value, "shape") else repr(value).encode()))
    rows = json.dumps(record(folder)).encode()
    return {"state": digest.hexdigest(), "metrics": hashlib.sha256(rows).hexdigest()}


def bytes_of(value: Any) -> bytes:
    """Return the bytes of a tensor or an array, with its type and shape."""
    array = np.asarray(value)
    return f"{array.dtype} {array.shape} ".encode() + array.tobytes()
