"""A real Slurm of one node for tests, its events, and the commands of its user."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "local_slurm.sh"
#: Where Debian has the daemons.
SEARCHED = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
#: Why tests are skipped; None: Slurm is here.
MISSING = next(
    (
        f"no {program} here: apt-get install slurm-wlm munge"
        for program in ("munged", "slurmctld", "slurmd", "srun")
        if shutil.which(program, path=SEARCHED) is None
    ),
    None,
)
#: Seconds that anything may take on a busy machine.
PATIENCE_S = 180.0


def wait_for(condition: Callable[[], Any], what: str | Callable[[], str]) -> Any:
    """Return the result of `condition`, once that is true; raise AssertionError with `what` after PATIENCE_S."""
    deadline = time.monotonic() + PATIENCE_S
    while not (result := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {PATIENCE_S:.0f} s: {what if isinstance(what, str) else what()}")
        time.sleep(0.1)
    return result


class Command:
    """A running command, whose output is kept in a file."""

    def __init__(self, words: list[str], output: Path, env: dict[str, str], cwd: Path) -> None:
        self._output = output
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                words, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env=env, cwd=cwd
            )

    @property
    def printed(self) -> str:
        """The output so far."""
        return self._output.read_text(errors="replace")

    def wait(self, seconds: float = PATIENCE_S) -> int:
        """Return the exit code; raise AssertionError, with the output, if the command does not end."""
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"it does not end within {seconds:.0f} s; it printed:\n{self.printed}") from None


class Cluster:
    """A Slurm with all of its files in `folder`."""

    def __init__(self, folder: Path, **settings: int) -> None:
        """Prepare a cluster; `settings` are variables LOCAL_SLURM_... of scripts/local_slurm.sh, as in cpus=8."""
        self.folder = folder
        self.env = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf"), "PYTHONPATH": str(ROOT / "tests")}
        self._settings = {f"LOCAL_SLURM_{name.upper()}": str(value) for name, value in settings.items()}

    def script(self, command: str) -> subprocess.CompletedProcess[str]:
        """Run `scripts/local_slurm.sh COMMAND FOLDER`."""
        env = {**self.env, **self._settings}
        return subprocess.run([SCRIPT, command, self.folder], env=env, capture_output=True, text=True, check=False)

    def start(self) -> None:
        """Start it, and return when the node takes jobs."""
        done = self.script("start")
        assert done.returncode == 0, done.stderr

    def stop(self) -> None:
        """End its jobs and its daemons."""
        done = self.script("stop")
        assert done.returncode == 0, done.stderr

    def run(self, *words: str | Path) -> str:
        """Return the output of a command of Slurm's, which has to succeed."""
        done = subprocess.run([str(w) for w in words], env=self.env, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout.strip()

    def job(self, task: str) -> dict[str, str]:
        """Return the fields of `scontrol show job` for a task ("17_3", "17"), which may have ended."""
        shown = self.run("scontrol", "show", "job", "--oneliner", task)
        return dict(field.split("=", 1) for field in shown.split() if "=" in field)

    def state(self, task: str) -> str:
        """Return Slurm's state of a task: RUNNING, PENDING, COMPLETED ..."""
        return self.job(task)["JobState"]

    def queue(self) -> dict[str, str]:
        """Return the states of the tasks that have not ended."""
        lines = self.run("squeue", "--array", "--noheader", "--format=%i %T").splitlines()
        return dict(line.split() for line in lines)

    def node(self, state: str) -> None:
        """Set the node's state: down, drain, or resume."""
        self.run("scontrol", "update", "nodename=ALL", f"state={state}", "reason=test")

    def node_state(self) -> str:
        """Return the node's state: idle, mixed, drained ..."""
        return self.run("sinfo", "--noheader", "--partition=main", "--format=%T")

    def command(self, program: str, *arguments: str, output: Path, **variables: str) -> Command:
        """Start `ddpg-train`, `ddpg-sweep` ... of this Python, or a path, in the folder of the file `output`."""
        words = [str(Path(sys.executable).parent / program), *arguments]
        return Command(words, output, {**self.env, **variables}, output.parent)
