"""Run folders that grow, for the tests of the live page."""

import fcntl
import json
import os
import socket
from pathlib import Path
from typing import Any

import yaml
from support.report_runs import CONFIG, RETURN, changed

from ddpg.report.live.feed import Feed


class GrowingRun:
    """A run folder that a process of this machine trains, as far as one can see; a step takes 10 ms."""

    def __init__(self, path: Path, state: str = "running", **keys: Any) -> None:
        path.mkdir(parents=True)
        self.path = path
        self.step = 0
        (path / "config.yaml").write_text(yaml.safe_dump(changed(CONFIG, **keys)))
        start = {"started": "2026-11-29T00:00:00+00:00", "machine": {"host": socket.gethostname()}}
        (path / "provenance.json").write_text(json.dumps([start]))
        self.write_status(state)
        self._lock = (path / ".lock").open("ab")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def write_status(self, state: str, **more: Any) -> None:
        (self.path / "status.json").write_text(json.dumps({"state": state, "env_step": self.step, **more}))

    def grow(self, *returns: float) -> None:
        """Append an evaluation every 100 steps."""
        with (self.path / "metrics.jsonl").open("ab") as file:
            for value in returns:
                row = {"env_step": self.step, RETURN: value, "time/elapsed_s": self.step / 100}
                file.write(json.dumps(row).encode() + b"\n")
                self.step += 100

    def cut_back(self, step: int) -> None:
        """Go on from an earlier step, as a resume does."""
        path = self.path / "metrics.jsonl"
        lines = [line for line in path.read_bytes().splitlines(True) if json.loads(line)["env_step"] <= step]
        os.truncate(path, len(b"".join(lines)))
        self.step = step + 100

    def end(self, state: str, **more: Any) -> None:
        """End as a process does: with a last word in status.json, and without the lock."""
        self.write_status(state, **more)
        self.kill()

    def kill(self) -> None:
        """Let go of the lock without a word."""
        self._lock.close()


class Page:
    """The part of js/live.js that merges answers, in Python; it does not wait."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed
        self.version = ""
        self.head: dict[str, Any] = {}
        self.runs: dict[int, dict[str, Any]] = {}
        self.changed: list[dict[str, Any]] = []

    def ask(self) -> dict[str, dict[str, Any]]:
        """Ask for changes; return all runs by the names of their folders."""
        answer = json.loads(self.feed.payload(self.version))
        self.version = answer["version"]
        self.head |= answer["head"]
        self.changed = answer["runs"]
        for run in self.changed:
            self.runs[run["id"]] = self.runs.get(run["id"], {}) | run
        for number in answer["gone"]:
            del self.runs[number]
        return {Path(run["folder"]).name: run for run in self.runs.values()}
