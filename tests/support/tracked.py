"""Runs that only write their record: rows, trackers and run folders, and a process that can be killed.

    python tests/support/tracked.py RUN ROWS PAUSE '{"mode": "online"}'

logs ROWS rows with PAUSE seconds between them, as a training run would: it holds the lock, goes on from the checkpoint
in RUN, which it writes every ten rows, stops on SIGTERM, and status.json says how it ended.
"""

import json
import logging
import math
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hydra.utils import instantiate

from ddpg.record.run_folder import RunFolder
from ddpg.record.tracking import LoggerSettings, Tracker, read_metrics
from ddpg.record.tracking.open_tracker import open_tracker
from ddpg.record.tracking.tracker import KeptPolicy, WritePolicies

if TYPE_CHECKING:  # this file is a program as well, which finds nothing beside it
    from support.wandb_server import WandbServer

CONF = Path(__file__).parents[2] / "conf" / "logger"
needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds wandb-core in Linux's /proc")
GROUP = "…" + "g" * 122 + "-0a1b"  # as W&B has it
CONFIG = {
    "seed": 1,
    "noise": {"sigma": 0.1},
    "eval": {"episodes": [1, 2]},
    "choices": {"noise": "ou", "experiment": None},
}


def logger_node(**wandb: Any) -> dict[str, Any]:
    """Read conf/logger/default.yaml, with these keys of W&B (disabled, without policies), and nothing on the screen."""
    node = yaml.safe_load((CONF / "default.yaml").read_text())
    keys = {"mode": "disabled", "project": "ddpg", "save_model": False}  # with values for those of the environment
    return node | {"progress": "none", "wandb": {**node["wandb"], **keys, **wandb}}


def settings(**wandb: Any) -> LoggerSettings:
    """Build the node above."""
    return instantiate(logger_node(**wandb), _convert_="all")


def tracker_of(run_dir: Path, options: LoggerSettings) -> Tracker:
    return open_tracker(options, run_dir, 1000, run_config=CONFIG, group="g" * 200 + "-0a1b", name="n")


def log_rows(tracker: Tracker, first: int, last: int) -> None:
    for index in range(first, last):
        tracker.log(index * 10, {"losses/qf1_loss": math.sqrt(index) / 7, "charts/episodic_length": index})


def two_policies(top: Path, env_step: int = 300) -> list[KeptPolicy]:
    """Write the best and the last policy of a run, with a text for the weights; the last is from `env_step`."""
    kept = []
    for name in ("best", "last"):
        (top / name).mkdir()
        (top / name / "policy.json").write_text(json.dumps({"actor": name}))
        (top / name / "policy.safetensors").write_text(f"the {name} weights")
        kept.append(KeptPolicy(top / name, (name,), env_step if name == "last" else 0))
    return kept


def assert_kept(server: "WandbServer") -> None:
    """The server has what `two_policies` writes as versions of one artifact, each with its own aliases."""
    best, last = server.artifacts.versions
    assert best.collection == last.collection == f"policy-{best.run}"
    assert (best.aliases, last.aliases) == ({"best"}, {"last", "latest"})
    assert [sorted(version.files) for version in (best, last)] == [["policy.json", "policy.safetensors"]] * 2
    assert last.files["policy.safetensors"] == b"the last weights"


def our_messages(caplog: Any) -> list[str]:
    """Return the messages that this package logged, without those of W&B."""
    return [record.getMessage() for record in caplog.records if record.name.startswith("ddpg")]


def plain_rows(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return W&B's rows without its private fields; its count of steps has neither gaps nor repeats."""
    assert [row["_step"] for row in history] == list(range(len(history)))
    return [{key: value for key, value in row.items() if not key.startswith("_")} for row in history]


def recorded(run_dir: Path) -> list[dict[str, float]]:
    return read_metrics(run_dir / "metrics.jsonl")


def trained(
    path: Path, rows: int, state: str, write_policies: WritePolicies = lambda top: [], **wandb: Any
) -> RunFolder:
    """Make a run folder as training leaves it."""
    path.mkdir(parents=True, exist_ok=True)
    folder = RunFolder(path)
    options = settings(**wandb)
    folder.config.write_text(json.dumps(CONFIG | {"logger": logger_node(**wandb)}))
    tracker = tracker_of(path, options)
    tracker.rewind(None)
    log_rows(tracker, 0, rows)
    tracker.save_policies(write_policies)
    folder.write_status(state=state, env_step=rows * 10)
    tracker.finish(0 if state == "done" else 1, folder.status())
    return folder


def sync_lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Return the lines that `ddpg-sweep sync` printed, without the folders above the run folders."""
    return [line.rpartition("/")[2] for line in capsys.readouterr().out.splitlines()]


class HangingTeardown:
    """A replacement of wandb.teardown that does not end before the test lets it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.asked = threading.Event()
        self.may_end = threading.Event()
        self.has_ended = threading.Event()
        monkeypatch.setattr("wandb.teardown", self._teardown)
        monkeypatch.setattr("ddpg.record.tracking.wandb_core.END_S", 0.1)

    def _teardown(self, exit_code: int) -> None:
        self.asked.set()
        self.may_end.wait(30)
        self.has_ended.set()


# --- a run in its own process ---


def start(run_dir: Path, rows: int, pause: float, **wandb: Any) -> "subprocess.Popen[str]":
    """Start a run in its own process, whose output goes to RUN/output.txt."""
    run_dir.mkdir(parents=True, exist_ok=True)
    words = [sys.executable, __file__, str(run_dir), str(rows), str(pause), json.dumps(wandb)]
    with (run_dir / "output.txt").open("a") as output:
        return subprocess.Popen(words, stdout=output, stderr=output, text=True)


def wandb_core(pid: int) -> list[int]:
    """Return the children of a process, which are wandb-core."""
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def kill(pids: list[int], signum: int) -> None:
    for pid in pids:
        try:
            os.kill(pid, signum)
        except ProcessLookupError:
            continue


def is_alive(pid: int) -> bool:
    """Whether a process is neither gone nor a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def output_of(run_dir: Path) -> list[str]:
    """Return the lines that the processes of a run printed."""
    return (run_dir / "output.txt").read_text().splitlines()


#: Ways to end the processes of a run: kill -9, an OOM kill, `scancel`, a signal to the run alone.
KILLS: list[Callable[["subprocess.Popen[str]"], None]] = [
    lambda run: kill([run.pid], signal.SIGKILL),
    lambda run: kill([*wandb_core(run.pid), run.pid], signal.SIGKILL),
    lambda run: kill([*wandb_core(run.pid), run.pid], signal.SIGTERM),
    lambda run: kill([run.pid], signal.SIGTERM),
]


def checkpointed(run_dir: Path) -> int:
    """Return the number of rows in the last checkpoint."""
    path = run_dir / "checkpoint.json"
    return json.loads(path.read_text())["rows"] if path.exists() else 0


def wait_until(condition: Callable[[], bool]) -> None:
    """Poll until the condition is true; AssertionError after five minutes."""
    deadline = time.monotonic() + 300
    while not condition():
        assert time.monotonic() < deadline, "it did not come true within five minutes"
        time.sleep(0.02)


def main() -> None:
    path, rows, pause, wandb = sys.argv[1:]
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    stop: list[int] = []
    signal.signal(signal.SIGTERM, lambda signum, frame: stop.append(signum))
    folder = RunFolder(Path(path))
    with folder.lock():
        keys = json.loads(wandb)
        options = settings(**keys)
        folder.config.write_text(yaml.safe_dump(CONFIG | {"logger": logger_node(**keys)}))
        folder.write_status(state="running")
        state = track(tracker_of(folder.path, options), folder, int(rows), float(pause), stop)
    sys.exit(0 if state == "done" else 143)


def track(tracker: Tracker, folder: RunFolder, rows: int, pause: float, stop: list[int]) -> str:
    checkpoint = folder.path / "checkpoint.json"
    position = json.loads(checkpoint.read_text()) if checkpoint.exists() else None
    tracker.rewind(position)
    for index in range(position["rows"] if position else 0, rows):
        if stop:
            break
        log_rows(tracker, index, index + 1)
        if index % 10 == 9:
            tracker.sync()
            folder.write_json(checkpoint, tracker.position())
        time.sleep(pause)
    folder.write_json(checkpoint, tracker.position())
    state = "interrupted" if stop else "done"
    folder.write_status(state=state)
    tracker.finish(143 if stop else 0, folder.status())
    return state


if __name__ == "__main__":
    main()
