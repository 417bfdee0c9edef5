"""Trains a study on Slurm while its processes are killed at random, and compares it with one that was left alone.

    python scripts/study_under_fire.py CALM FOLDER --kills 40 --every 5 -- OVERRIDE...

CALM is the folder of the study that was left alone; FOLDER gets that of the overrides, which a Slurm of this machine
trains (scripts/local_slurm.sh). The sampler must be `random` and the pruner `none`, so that a trial depends on its
number alone. Each kill hits one process of the study by SIGKILL, the command that waits for it among them, or lets
Slurm requeue one of its jobs; a command that ends before all trials have is given again. FOLDER may have fewer trials
than CALM. Exits with 1 if a trial has other numbers.
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ddpg.record.tracking.metrics import Row, read_metrics
from ddpg.search.study import StudyFolder
from ddpg.search.trials import Trial
from ddpg.sweep.slurm import queue

#: Names of values that depend on the clock.
CLOCK = ("time/", "charts/SPS")


def main() -> None:
    """Train under fire, compare, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("calm", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kills", type=int, default=40, help="how many in all")
    parser.add_argument("--every", type=float, default=5.0, help="seconds between two of them, on average")
    parser.add_argument("--seed", type=int, default=0, help="which processes are hit, and when")
    parser.add_argument("overrides", nargs="+")
    arguments = parser.parse_args()
    start = time.monotonic()
    hits = train(arguments.folder.resolve(), arguments.overrides, arguments.kills, arguments.every, arguments.seed)
    minutes = (time.monotonic() - start) / 60
    found = StudyFolder(arguments.folder).trials()
    calm = StudyFolder(arguments.calm).trials()
    wrong = [number for number, trial in found.items() if not same(trial, calm[number], arguments)]
    print(f"{len(found)} trials in {minutes:.1f} min; hit: {hits['killed']} processes, {hits['requeued']} jobs")
    print(f"killed while they trained, by trial.json: {sum(trial.kills for trial in found.values())} runs")
    print(f"equal to {arguments.calm}: {len(found) - len(wrong)} trials with all their runs' numbers; other: {wrong}")
    sys.exit(bool(wrong))


def train(folder: Path, overrides: Sequence[str], kills: int, every: float, seed: int) -> dict[str, int]:
    """Give the command of the study until it ends well, and hit its processes; return how many of each kind."""
    rng = random.Random(seed)
    hits = {"killed": 0, "requeued": 0}
    command = begin(folder, overrides)
    again = 0
    while not is_complete(folder):
        # one that finds workers at work ends at once
        if command.poll() is not None and not workers_are_there(folder):
            again += 1
            require_kills(again, kills)
            command = begin(folder, overrides)
        time.sleep(rng.uniform(0, 2 * every))
        if sum(hits.values()) < kills and StudyFolder(folder).exists:
            kind = "requeued" if rng.random() < 0.25 else "killed"
            hits[kind] += requeue(folder, rng) if kind == "requeued" else kill(folder, rng)
    command.wait()
    return hits


def is_complete(folder: Path) -> bool:
    """Tell whether every trial of the study has a result."""
    study = StudyFolder(folder)
    if not study.exists:
        return False
    ended = [trial for trial in study.trials().values() if trial.result is not None]
    return len(ended) == study.definition().options.n_trials


def workers_are_there(folder: Path) -> bool:
    """Tell whether a worker of the study waits or runs."""
    study = StudyFolder(folder)
    return study.exists and bool(study.workers(lost=None))


def begin(folder: Path, overrides: Sequence[str]) -> "subprocess.Popen[bytes]":
    """Give the command of the study, which begins it or goes on with it; its output is appended to FOLDER.log."""
    program = Path(sys.executable).with_name("ddpg-train")
    words = [*overrides, "hydra/launcher=slurm", "hydra.sweeper.max_kills=10000", f"hydra.sweep.dir={folder}", "-m"]
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_name(f"{folder.name}.log").open("ab") as output:
        return subprocess.Popen([program, *words], stdout=output, stderr=subprocess.STDOUT)


def require_kills(again: int, kills: int) -> None:
    """Exit if the command of the study was given more often than kills can explain."""
    if again > kills:
        sys.exit("the command of the study ends again and again: see its log")


def kill(folder: Path, rng: random.Random) -> int:
    """Send SIGKILL to a process of the study, if there is one; return how many were hit."""
    alive = [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/cmdline") if is_of(folder, path)]
    if not alive:
        return 0
    try:
        os.kill(rng.choice(alive), signal.SIGKILL)
    except ProcessLookupError:  # it has just ended
        return 0
    return 1


def is_of(folder: Path, command: Path) -> bool:
    """Tell whether a process, by its file in /proc, is one of the study and not this one."""
    try:
        words = command.read_bytes().split(b"\0")
    except OSError:  # it has just ended
        return False
    return command.parent.name != str(os.getpid()) and any(str(folder).encode() in word for word in words)


def requeue(folder: Path, rng: random.Random) -> int:
    """Let Slurm requeue a job that trains a trial, if there is one; return how many were hit."""
    jobs = queue() or {}
    owners = sorted({trial.owner for trial in StudyFolder(folder).trials().values() if trial.owner})
    running = [owner for owner in owners if owner in jobs and jobs[owner].state == "RUNNING"]
    if not running:
        return 0
    return int(subprocess.run(["scontrol", "requeue", rng.choice(running)], check=False).returncode == 0)


def same(hit: Trial, calm: Trial, folders: argparse.Namespace) -> bool:
    """Tell whether two trials have the same values, result and records of their runs."""
    results = [trial.result and (trial.result.state, trial.result.value) for trial in (hit, calm)]
    if dict(hit.params) != dict(calm.params) or results[0] != results[1]:
        return False
    names = [f"trial_{hit.number:04d}/seed_{seed}/metrics.jsonl" for seed in hit.seeds]
    return all(rows(folders.folder / name) == rows(folders.calm / name) for name in names)


def rows(path: Path) -> list[Row]:
    """Return the record of a run without what depends on the clock."""
    return [{key: row[key] for key in row if not key.startswith(CLOCK)} for row in read_metrics(path)]


if __name__ == "__main__":
    main()
