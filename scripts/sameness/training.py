"""A case trained by one of two checkouts, in a process that imports that one's code alone."""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from sameness.cases import Case

START = Path(__file__).parent / "start.py"


class FailedError(Exception):
    """Why a training did not come to its end."""


class Trainer:
    """A process that trains by the code of one checkout, one case at a time."""

    def __init__(self, root: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, str(START), str(root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(),
            encoding="utf-8",
        )

    def train(self, folder: Path, words: Sequence[str]) -> int:
        """The exit status of `ddpg-train` with these words."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        job = json.dumps({"folder": str(folder), "words": words})
        print(job, file=self._process.stdin, flush=True)
        answer = self._process.stdout.readline()
        if not answer:
            raise FailedError(f"the training process ended with {self._process.wait()}")
        return int(answer)


class Side:
    """A checkout, and the folder that has a folder for each case that it trained."""

    def __init__(self, root: Path, results: Path) -> None:
        self.root, self.results = root, results
        self._of_thread = threading.local()

    def run(self, case: Case) -> Path:
        """The run folder of a case."""
        return self.folder(case) / "run"

    def folder(self, case: Case) -> Path:
        """Of a case: run/, imported.json, output.txt, and done.json once it is trained."""
        return self.results / case.name.replace("=", "-").replace(":", "-")

    def has(self, case: Case) -> bool:
        """Whether the case was trained here before, with the same overrides."""
        done = self.folder(case) / "done.json"
        return done.exists() and json.loads(done.read_text(encoding="utf-8")) == case.words()

    def train(self, case: Case) -> None:
        """Trains a case anew. FailedError if it ends early or has imported code of elsewhere."""
        folder = self.folder(case)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        for total_steps in case.stops():
            self._start(case, f"total_steps={total_steps}")
            self._require_own_code(case)
        (folder / "done.json").write_text(json.dumps(case.words()), encoding="utf-8")

    def imported(self, case: Case) -> dict[str, str]:
        """The file of every module of ours that the training of a case imported."""
        record: dict[str, str] = json.loads((self.folder(case) / "imported.json").read_text(encoding="utf-8"))
        return record

    def _start(self, case: Case, *more: str) -> None:
        """Trains until total_steps, from where the run folder stands."""
        words = [*case.words(), *more, f"hydra.run.dir='{self.run(case)}'"]
        status = self._trainer().train(self.folder(case), words)
        if status:
            output = self.folder(case) / "output.txt"
            lines = output.read_text(errors="replace", encoding="utf-8").splitlines()
            told = f"training ended with {status}: {' '.join(lines[-1:])}"
            raise FailedError(f"{told} (see {output})")

    def _trainer(self) -> Trainer:
        """The one of this thread."""
        if not hasattr(self._of_thread, "trainer"):
            self._of_thread.trainer = Trainer(self.root)
        trainer: Trainer = self._of_thread.trainer
        return trainer

    def _require_own_code(self, case: Case) -> None:
        files = self.imported(case)
        foreign = [f for f in files.values() if not Path(f).resolve().is_relative_to(self.root)]
        if foreign or not {"ddpg", "ddpg.conf"} <= files.keys():
            raise FailedError(f"imported {foreign or sorted(files)}, not the code of {self.root}")


def _environment() -> dict[str, str]:
    """One thread; nothing that leads Python to other modules."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    return kept | {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def checkout(repository: Path, commit: str, folder: Path) -> Path:
    """A git worktree of that commit, made unless it is there. FailedError if it is changed."""
    if not folder.exists():
        git(repository, "worktree", "add", "--force", "--detach", str(folder), commit)
    if git(folder, "rev-parse", "HEAD") != commit or git(folder, "status", "--porcelain"):
        raise FailedError(f"{folder} is not commit {commit} as it was: remove it")
    return folder


def git(folder: Path, *words: str) -> str:
    """What git prints."""
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout.strip()
