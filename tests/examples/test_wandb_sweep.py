"""examples/wandb_sweep.yaml: what an agent makes of it is a command of ddpg-train, in a folder of the run's id."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import hydra
import pytest
import yaml
from omegaconf import DictConfig
from support.runs import TINY, record
from support.tracked import plain_rows, recorded
from support.wandb_server import ServerSweep, WandbServer
from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

from ddpg.config.settings import check
from ddpg.record.run_folder import RunFolder

ROOT = Path(__file__).parents[2]

#: `wandb agent SWEEP --count COUNT`, which asks the server every 0.2 s instead of every 5 s.
AGENT = """
import sys
from wandb import wandb_agent
wandb_agent.Agent.POLL_INTERVAL = 0.2
wandb_agent.agent(sys.argv[1], count=int(sys.argv[2]))
"""


def test_the_command_of_an_agent(compose: Callable[..., DictConfig], monkeypatch: pytest.MonkeyPatch) -> None:
    sweep = yaml.safe_load((ROOT / "examples" / "wandb_sweep.yaml").read_text())
    chosen = {"optimizer.actor.lr": {"value": 1e-4}, "tau": {"value": 0.01}, "batch_size": {"value": 8}}
    assert chosen.keys() == sweep["parameters"].keys()
    command = create_sweep_command(sweep["command"])
    place = command.index("${args_no_hyphens}")
    words = create_sweep_command_args({"args": chosen})["args_no_hyphens"]
    assert command[: command.index("ddpg-train")] == ["${env}"]
    overrides = [*command[command.index("ddpg-train") + 1 : place], *words]
    config = check(compose(*overrides))
    assert (config.batch_size, config.optimizer.actor.lr, config.logger.wandb.mode) == (8, 1e-4, "online")
    monkeypatch.setenv("WANDB_RUN_ID", "run1")
    with hydra.initialize_config_module("ddpg.conf", version_base="1.3"):
        composed = hydra.compose("config", overrides=overrides, return_hydra_config=True)
    assert composed.hydra.run.dir == "outputs/wandb/run1"


def without_clock(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as `record` has it: steps since the last snapshot are taken again, at another time."""
    return {key: value for key, value in row.items() if not key.startswith("time/") and key != "charts/SPS"}


@pytest.mark.slow
def test_an_agent_trains_a_run_and_stops_it_twice(wandb_server: WandbServer, tmp_path: Path) -> None:
    """Each time the run saves, and ends as interrupted; it goes on where it was, as one run of the agent's id."""
    sweep = yaml.safe_load((ROOT / "examples" / "wandb_sweep.yaml").read_text())
    sweep["command"][-1:-1] = [word for word in TINY if not word.startswith(("total_steps=", "batch_size="))]
    sweep["command"].insert(-1, "total_steps=1000000")
    chosen = {"optimizer.actor.lr": {"value": 1e-4}, "tau": {"value": 0.01}, "batch_size": {"value": 8}}
    start = {"run_id": "run1", "program": None, "args": chosen}
    folder = RunFolder(tmp_path / "outputs" / "wandb" / "run1")
    ends: list[dict[str, Any]] = []

    def has_sent_more(alive: set[str]) -> bool:
        known = ends[-1]["rows"] if ends else 0
        return "run1" in wandb_server.runs and len(wandb_server.runs["run1"].lines) > known + 5

    def has_ended(alive: set[str]) -> bool:
        if not alive:
            ends.append({**folder.status(), "rows": len(recorded(folder.path))})
        return not alive

    plan: list[tuple[Callable[[set[str]], bool], dict[str, Any]]] = [
        (lambda alive: True, {"type": "run", **start}),
        (has_sent_more, {"type": "stop", "run_id": "run1"}),
        (has_ended, {"type": "resume", **start}),
        (has_sent_more, {"type": "stop", "run_id": "run1"}),
    ]

    def commands(alive: set[str]) -> list[dict[str, Any]]:
        return [plan.pop(0)[1]] if plan and plan[0][0](alive) else []

    wandb_server.sweeps["sweep1"] = ServerSweep(sweep, commands)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    words = [sys.executable, "-c", AGENT, "me/ddpg/sweep1", "2"]
    agent = subprocess.run(
        words, cwd=tmp_path, env=os.environ | {"PATH": path}, capture_output=True, text=True, timeout=120
    )
    assert (agent.returncode, plan) == (0, []), agent.stderr

    ends.append(folder.status())
    assert [(end["state"], end["error"]) for end in ends] == [("interrupted", "Interrupted: SIGTERM")] * 2
    assert 0 < ends[0]["env_step"] < ends[1]["env_step"]
    assert folder.checkpoints.exists()
    run = wandb_server.only_run()
    assert (run.starts, run.state, run.settings["sweep"]) == (2, "failed", "sweep1")
    assert [without_clock(row) for row in plain_rows(run.history)] == record(folder.path)
    assert run.config["tau"]["value"] == 0.01
