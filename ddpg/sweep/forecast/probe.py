"""The first seconds of a run, to see how fast it will be: a worker as in the sweep, in a temporary folder."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen
from tempfile import TemporaryDirectory
from typing import Any

from ddpg.config.settings import to_yaml
from ddpg.errors import UserError
from ddpg.record.run_folder import RunFolder
from ddpg.sweep.execute.worker import last_line, start_worker
from ddpg.sweep.process import cpu_seconds, peak_memory_gb, visible_gpus

#: Seconds after which a configuration that has not shown its speed is given up.
GIVE_UP_S = 180
#: An env step that never comes, for whatever a probe shall not do.
NEVER = 10**8


@dataclass(frozen=True)
class Speed:
    """The speed of a run, as a probe measured it.

    Args:
        acting: env steps a second while the agent only acts.
        learning: env steps a second while it learns.
        startup_s: seconds until the first step.
        peak_gb: the most memory of the process, in GiB; 0 if the system does not report it.
        share: how much of a core the process had. On CPUs the seconds above are converted to those of a whole core.
    """

    acting: float
    learning: float
    startup_s: float
    peak_gb: float
    share: float


@dataclass(frozen=True)
class _Row:
    """A row of metrics.jsonl, and what the worker had used when the row was seen."""

    env_step: int
    elapsed_s: float
    seen_at: float
    cpu_s: float


def probe(config: Mapping[str, Any], seconds: float) -> Speed:
    """Train with the config until it has been learning for so many seconds; raise UserError if that fails."""
    short = shortened(config)
    learning_starts = short["learning_starts"]
    warm_at = learning_starts + 2 * short["logger"]["every"]
    with TemporaryDirectory(prefix="ddpg-probe-") as name:
        folder = RunFolder(Path(name))
        folder.config.write_text(to_yaml(short), encoding="utf-8")
        started = time.monotonic()
        with _worker(folder, config["threads"]) as process:
            rows = _watched(folder, process, warm_at, seconds)
            peak_gb = peak_memory_gb(process.pid)
    acting = [row for row in rows if row.env_step <= learning_starts]
    learning = [row for row in rows if row.env_step > learning_starts][1:]
    share = _share(learning) if config["threads"] == 1 and not visible_gpus() else 1.0
    startup_s = rows[0].seen_at - started - rows[0].elapsed_s
    return Speed(
        acting=_rate(acting) / share,
        learning=_rate(learning) / share,
        startup_s=startup_s * share,
        peak_gb=peak_gb,
        share=share,
    )


def shortened(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return the config of a run that learns as this one does, but at once and without a record."""
    has_pixels = config["env"].get("pixels") is not None
    every, acting = (5, 25) if has_pixels else (50, 1000)  # steps; a row costs as much as an update
    env = dict(config["env"])
    if has_pixels:
        env["max_episode_steps"] = 60  # the first evaluation would take minutes
    return {
        **config,
        "fork": None,
        "env": env,
        "total_steps": NEVER,
        "random_steps": 0,
        "learning_starts": acting,
        "buffer_size": min(config["buffer_size"], 10_000 if has_pixels else 100_000),
        "update_every": 1,  # as many updates, but none of them waits: rows show the mean speed
        "eval": {**config["eval"], "every": config["eval"]["every"] and NEVER, "episodes": 1},
        "checkpoint": {**config["checkpoint"], "every": NEVER},
        "logger": {
            **config["logger"],
            "every": every,
            "progress": "none",
            "wandb": {**config["logger"]["wandb"], "mode": "disabled"},
            "tensorboard": {**config["logger"]["tensorboard"], "enabled": False},
        },
    }


@contextmanager
def _worker(folder: RunFolder, threads: int) -> Iterator["Popen[bytes]"]:
    process = start_worker(folder.path, threads, Path.cwd())
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def _watched(folder: RunFolder, process: "Popen[bytes]", warm_at: int, seconds: float) -> list[_Row]:
    """Return the rows, once those from env step `warm_at` on span so many seconds."""
    rows: list[_Row] = []
    give_up = time.monotonic() + GIVE_UP_S + seconds
    while True:
        if process.poll() is not None:
            reason = folder.status().get("error") or last_line(folder.path / "train.log", 0)
            raise UserError(f"the probe failed: {reason or 'it does not say why'}; probe=0 plans without one")
        rows += [
            _Row(row["env_step"], row["time/elapsed_s"], time.monotonic(), cpu_seconds(process.pid))
            for row in _logged(folder)[len(rows) :]
        ]
        warm = [row for row in rows if row.env_step >= warm_at]
        if len(warm) > 1 and warm[-1].elapsed_s - warm[0].elapsed_s >= seconds:
            return rows
        if time.monotonic() > give_up:
            if len(warm) > 1:
                return rows
            raise UserError(
                f"the probe saw fewer than {warm_at} steps in {GIVE_UP_S + seconds:.0f} s; probe=0 plans without one"
            )
        time.sleep(0.05)


def _logged(folder: RunFolder) -> list[dict[str, Any]]:
    """Return the complete rows that have a time."""
    lines = folder.metrics.read_text(encoding="utf-8").splitlines(keepends=True) if folder.metrics.exists() else []
    rows = [json.loads(line) for line in lines if line.endswith("\n")]
    return [row for row in rows if "time/elapsed_s" in row]


def _rate(rows: Sequence[_Row]) -> float:
    """Return the env steps a second."""
    return (rows[-1].env_step - rows[0].env_step) / (rows[-1].elapsed_s - rows[0].elapsed_s)


def _share(rows: Sequence[_Row]) -> float:
    """Return how much of a core the worker had; 1 if the system does not report it."""
    used = rows[-1].cpu_s - rows[0].cpu_s
    passed = rows[-1].seen_at - rows[0].seen_at
    return min(1.0, used / passed) if used else 1.0
