"""A list of two runs of seconds, and what scripts/evidence.py does with it."""

import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml

from ddpg.record.tracking.metrics import encode_row
from reproduce.plan import ROOT, PlannedRun

#: A run of seconds: 6,000 steps of Pendulum, so that one can be interrupted.
TINY = """
always: [device=cpu, threads=1, checkpoint.keep_replay=false, logger.wandb.mode=disabled]
order:
  - {name: first seeds, until_row: null, seeds: 1}
  - {name: all seeds, until_row: null, seeds: null}
comparisons: []
sources:
  - row: 1
    preset: td3
    source: none
    published: [sb3_pendulum]
    steps: 6000
    seeds: 2
    overrides: ["network.actor.hidden=[8]", "network.critic.hidden=[8]", batch_size=8, random_steps=50, eval.every=2000,
                eval.episodes=1, checkpoint.every=200, logger.every=100]
    environments:
      - env: pendulum
"""
#: The runs of a test are not to wait for everything else on the machine.
NICENESS = 1
NAMES = ["td3_pendulum_1", "td3_pendulum_2"]


class Tool:
    """scripts/evidence.py with a list, run folders and records of its own."""

    def __init__(self, folder: Path, text: str = TINY) -> None:
        self.list, self.runs, self.records = folder / "list.yaml", folder / "runs", folder / "records"
        self.list.write_text(text, encoding="utf-8")

    def start(self, *words: str) -> "subprocess.Popen[str]":
        own = ["--list", self.list, "--runs", self.runs, "--records", self.records, "--nice", str(NICENESS)]
        command = [sys.executable, ROOT / "scripts" / "evidence.py", *words, *own]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, *words: str) -> tuple[int, str]:
        process = self.start(*words)
        output, _ = process.communicate(timeout=240)
        return process.returncode, output

    def recorded(self) -> list[str]:
        return sorted(path.name for path in self.records.iterdir()) if self.records.exists() else []


def finished_folder(path: Path, run: PlannedRun, config: dict[str, Any]) -> Path:
    """A run folder as a finished run leaves it, with paths and the name of this machine in its provenance."""
    path.mkdir(parents=True)
    (path / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    (path / "status.json").write_text(json.dumps({"state": "done", "env_step": run.row.steps}), encoding="utf-8")
    (path / "metrics.jsonl").write_bytes(encode_row({"env_step": run.row.steps, "charts/episodic_return": math.nan}))
    start = {
        "started": "2026-01-01T00:00:00+00:00", "command": "/home/me/.venv/bin/ddpg-train", "directory": "/home/me",
        "seed": run.seed, "git": {
            "root": "/home/me", "commit": "0123abc", "diff": "diff --git a/ddpg/agent.py b/ddpg/agent.py\n+/home/me\n",
            "untracked": ["docs/results/data/evidence/another/", "conf/mine.yaml"],
        },
        "versions": {"torch": "2.13.0"}, "overrides": ["resume=/home/me/run"], "threads": 1, "device": "cpu",
        "machine": {"host": "my-laptop", "system": "Linux", "cpu": "EPYC", "cores": 2, "gpus": []}, "kernels": "torch",
    }  # fmt: skip
    (path / "provenance.json").write_text(json.dumps([start]), encoding="utf-8")
    return path
