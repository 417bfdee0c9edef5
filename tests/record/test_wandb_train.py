"""ddpg-train itself, W&B online: killed, resumed, and one run in the end."""

import json
import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from support.runs import TINY, WALK, record
from support.tracked import kill, needs_proc, plain_rows, wait_until, wandb_core
from support.wandb_server import WandbServer

HERE = Path(__file__).parents[1]
RUN = (
    *WALK, *TINY, "total_steps=8000", "eval.every=2000", "logger.every=100", "checkpoint.every=200", "seed=3",
    "gamma=0.9", "logger.wandb.mode=online", "logger.wandb.tags=[first]",
)  # fmt: skip


def train(*words: str) -> "subprocess.Popen[str]":
    env = os.environ | {"PYTHONPATH": str(HERE), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(HERE.parent / "scripts" / "train.py"), *words]
    return subprocess.Popen(command, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def env_step(run: Path) -> int:
    status = run / "status.json"
    return json.loads(status.read_text())["env_step"] if status.exists() else 0


@needs_proc
@pytest.mark.slow
def test_killed_and_resumed_it_is_one_run_with_its_first_name(wandb_server: WandbServer, tmp_path: Path) -> None:
    run, dice = tmp_path / "run", random.Random(1)
    words: tuple[str, ...] = (*RUN, f"hydra.run.dir={run}")
    for signum in (signal.SIGKILL, signal.SIGTERM, signal.SIGTERM):
        process = train(*words)
        goal = env_step(run) + dice.randrange(300, 1500)
        wait_until(lambda: env_step(run) >= goal)  # noqa: B023
        kill([*wandb_core(process.pid), process.pid], signum)
        process.wait()
        words = (f"resume={run}",)
    process = train(*words)
    output, _ = process.communicate()
    assert process.returncode == 0, output

    server = wandb_server.only_run()
    assert server.starts == 4
    assert server.state == "finished"
    last = server.history[-1]
    assert {key for key in last if key.startswith("media/")} == {"media/learning_curve"}
    timing = ("time/", "media/")
    rows = [
        {k: v for k, v in row.items() if not k.startswith(timing) and k != "charts/SPS"}
        for row in plain_rows(server.history)
    ]
    assert rows == record(run)
    assert server.settings["displayName"].endswith(" gamma=0.9 seed=3")
    assert server.settings["tags"] == ["first"]
    assert {alias for version in wandb_server.artifacts.versions for alias in version.aliases} == {
        "best",
        "last",
        "latest",
    }
    assert server.summary["state"] == "done"
    assert server.summary.get("error") is None  # the attempts that a signal ended had one
