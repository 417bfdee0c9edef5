"""Sweep folders as the launchers leave them, and programs in the place of squeue and scancel."""

import json
import os
import socket
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from ddpg.sweep.options import Options, SlurmOptions, options
from ddpg.sweep.process import start_time
from ddpg.sweep.state.folder import Submission, SweepFolder

ROOT = Path(__file__).parents[2]
TOTAL = 1000
#: What `ddpg-train -m` writes for these launchers when they keep their defaults.
LAUNCHERS: dict[str, dict[str, Any]] = {
    "local": {"kind": "local", "processes": None, "wait": True},
    "slurm": {
        "kind": "slurm", "partition": None, "account": None, "qos": None, "constraint": None, "timeout_min": 120,
        "mem_gb": 2, "cpus_per_task": None, "gpus_per_node": None, "runs_per_job": 1, "array_parallelism": 256,
        "signal_delay_s": 120, "max_num_timeout": 100, "setup": [], "additional_parameters": {}, "wait": True,
    },
}  # fmt: skip


def launcher_options(kind: str, **values: Any) -> Options:
    """Return the options of conf/hydra/launcher, with changes."""
    named = yaml.safe_load((ROOT / f"conf/hydra/launcher/{kind}.yaml").read_text())
    del named["_target_"]
    return options({**named, "kind": kind, **values})


def slurm_options(**values: Any) -> SlurmOptions:
    """Return the options of hydra/launcher=slurm, with changes."""
    chosen = launcher_options("slurm", **values)
    assert isinstance(chosen, SlurmOptions)
    return chosen


def row(env_step: int, **metrics: float) -> dict[str, float]:
    """Return a row of metrics.jsonl; two underscores stand for the slash."""
    return {"env_step": env_step} | {name.replace("__", "/"): value for name, value in metrics.items()}


def write_run(folder: Path, status: Mapping[str, Any] | None, rows: Sequence[Mapping[str, float]] = ()) -> Path:
    """Write a frozen run folder; with `status` None the run has never started."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.yaml").write_text(f"seed: 1\ntotal_steps: {TOTAL}\nenv:\n  total_steps: 7\n")
    if status is not None:
        env_step = TOTAL if status.get("state") == "done" else 0
        (folder / "status.json").write_text(json.dumps({"env_step": env_step, **status}))
        (folder / "metrics.jsonl").write_text("".join(json.dumps(one) + "\n" for one in rows))
    return folder


def write_sweep(
    path: Path,
    statuses: Sequence[Mapping[str, Any] | None],
    submissions: Sequence[Mapping[str, Sequence[int]]] = (),
    launcher: str = "slurm",
    users: Sequence[int] | None = None,
    cluster: str | None = None,
    **options: Any,
) -> SweepFolder:
    """Write a sweep over seeds: a run for each status, and submissions, of which the newest is an hour old.

    `users`: whose each submission is; None: all of this process's.
    `cluster`: where they were submitted; None: not known.
    """
    for number, status in enumerate(statuses):
        write_run(path / f"{number}_run", status)
    sweep = SweepFolder(path)
    runs = [{"folder": f"{n}_run", "overrides": ["env=hopper", f"seed={n}"]} for n in range(len(statuses))]
    sweep.write({"launcher": LAUNCHERS[launcher] | options, "threads": 1, "runs": runs})
    owners = users or [os.getuid()] * len(submissions)
    for age, tasks, user in zip(range(len(submissions), 0, -1), submissions, owners, strict=True):
        at = datetime.fromtimestamp(time.time() - 3600 * age).astimezone().isoformat(timespec="seconds")
        sweep.add_submission(
            Submission(
                time=at,
                user=user,
                scheduler="local" if ":" in next(iter(tasks)) else "slurm",
                tasks={t: list(runs) for t, runs in tasks.items()},
                cluster=cluster,
            )
        )
    return sweep


def written(folder: Path, hours_ago: float) -> None:
    """Make a run's status.json older."""
    at = time.time() - 3600 * hours_ago
    os.utime(folder / "status.json", (at, at))


def pool(pid: int) -> str:
    """Return the name of a pool that is this process of this machine."""
    return f"{socket.gethostname()}:{pid}:{start_time(pid)}"


class FakeSlurm:
    """Programs named squeue and scancel, which record their calls."""

    def __init__(self, folder: Path) -> None:
        self.bin, self._jobs, self._calls = folder / "bin", folder / "jobs", folder / "calls"
        self.bin.mkdir()
        self._calls.touch()
        self.queue()
        self.program("squeue", f'cat "{self._jobs}"')
        self.program("scancel", f': > "{self._jobs}"')

    def program(self, name: str, body: str) -> None:
        """Write a shell script of that name."""
        (self.bin / name).write_text(f'#!/bin/sh\necho "{name} $*" >> "{self._calls}"\n{body}\n')
        (self.bin / name).chmod(0o755)

    def queue(self, **jobs: str) -> None:
        """Set what squeue prints: queue(_12_3="PENDING|Priority") is the job 12_3."""
        self._jobs.write_text("".join(f"{name[1:]}|{state}\n" for name, state in jobs.items()))

    def calls(self, name: str) -> list[str]:
        """Return the arguments of each call of a program, as one text."""
        lines = self._calls.read_text().splitlines()
        return [line.partition(" ")[2] for line in lines if line.partition(" ")[0] == name]
