"""scripts/evidence.py: the list of runs, their training with a kill in between, and the records."""

import json
import math
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import DictConfig, OmegaConf

from ddpg.config.settings import check
from ddpg.errors import UserError
from ddpg.record.tracking.metrics import encode_row
from ddpg.run import lifecycle
from reproduce import plan, record, status

ROOT = Path(__file__).parent.parent
PLAN = plan.read_plan()
RECORDS = sorted(path for path in record.RECORDS.iterdir() if path.is_dir())
#: A run of seconds: 3,000 steps of Pendulum.
TINY = """
always: [device=cpu, threads=1, checkpoint.keep_replay=false, logger.wandb.mode=disabled]
order:
  - {name: first seeds, until_row: null, seeds: 1}
  - {name: all seeds, until_row: null, seeds: null}
sources:
  - row: 1
    preset: td3
    source: none
    steps: 3000
    seeds: 2
    overrides: ["network.actor.hidden=[8]", "network.critic.hidden=[8]", batch_size=8, random_steps=50, eval.every=1000,
                eval.episodes=1, checkpoint.every=200, logger.every=100]
    environments:
      - {env: pendulum, published: {last: {value: -150, spread: 10}}}
"""
NAMES = ["td3_pendulum_1", "td3_pendulum_2"]


class Tool:
    """scripts/evidence.py with a list, run folders and records of its own."""

    def __init__(self, folder: Path, text: str = TINY) -> None:
        self.list, self.runs, self.records = folder / "list.yaml", folder / "runs", folder / "records"
        self.list.write_text(text, encoding="utf-8")

    def start(self, *words: str) -> "subprocess.Popen[str]":
        own = ["--list", self.list, "--runs", self.runs, "--records", self.records]
        command = [sys.executable, ROOT / "scripts" / "evidence.py", *words, *own]
        return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def run(self, *words: str) -> tuple[int, str]:
        process = self.start(*words)
        output, _ = process.communicate(timeout=240)
        return process.returncode, output

    def recorded(self) -> list[str]:
        return sorted(path.name for path in self.records.iterdir()) if self.records.exists() else []


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    return Tool(tmp_path)


def wait_until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def finished_folder(path: Path, run: plan.PlannedRun, config: dict[str, Any]) -> Path:
    """A run folder as a finished run leaves it, with paths and the name of this machine in its provenance."""
    path.mkdir(parents=True)
    (path / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    (path / "status.json").write_text(json.dumps({"state": "done", "env_step": run.row.steps}), encoding="utf-8")
    (path / "metrics.jsonl").write_bytes(encode_row({"env_step": run.row.steps, "charts/episodic_return": math.nan}))
    start = {
        "started": "2026-01-01T00:00:00+00:00", "command": "/home/me/.venv/bin/ddpg-train", "directory": "/home/me",
        "seed": run.seed, "git": {"root": "/home/me", "commit": "0123abc", "dirty": False, "diff": "/home/me"},
        "versions": {"torch": "2.13.0"}, "overrides": ["resume=/home/me/run"], "threads": 1, "device": "cpu",
        "machine": {"host": "mine", "system": "Linux", "cpu": "EPYC", "cores": 2, "gpus": []}, "kernels": "torch",
    }  # fmt: skip
    (path / "provenance.json").write_text(json.dumps([start]), encoding="utf-8")
    return path


@pytest.mark.parametrize("run", [run for run in PLAN.runs() if run.seed == 1], ids=lambda run: run.name)
def test_command_of_the_list_composes(run: plan.PlannedRun, compose: Callable[..., DictConfig]) -> None:
    config = check(compose(*run.overrides, *PLAN.always))
    assert run.name == f"{run.row.label}_{config.env.name}_{config.seed}"
    assert config.total_steps == run.row.steps
    assert list(record.differences(run, OmegaConf.to_container(config))) == []


def test_names_are_unique() -> None:
    names = [row.name for row in PLAN.rows]
    assert len(set(names)) == len(names)
    assert len({run.name for run in PLAN.runs()}) == len(PLAN.runs())


@pytest.mark.parametrize("row", PLAN.rows, ids=lambda row: row.name)
def test_published_numbers_stand_in_the_document(row: plan.Row) -> None:
    document = (ROOT / "docs" / "presets.md").read_text(encoding="utf-8").split("## Scores to reach")[1]
    for convention, score in row.published.items():
        assert convention in plan.CONVENTIONS
        assert math.isfinite(score.value)
        if score.read_off is None:
            assert re.search(rf"(?<![\d.]){score.value:.2f}".rstrip("0").rstrip("."), document)
        if score.spread is not None:
            assert re.search(rf"± {score.spread:.2f}".rstrip("0").rstrip("."), document)
            assert row.kind_of_spread is not None
            assert row.published_seeds is not None


def test_first_seeds_of_the_first_rows_come_first() -> None:
    runs = PLAN.runs()
    first = [row for row in PLAN.rows if row.number <= 4]
    assert [(run.row, run.seed) for run in runs[: len(first)]] == [(row, 1) for row in first]
    listed = [run for run in runs if run.stage <= 1]
    assert listed == runs[: len(listed)]
    assert {(run.row, run.seed) for run in listed} == {
        (row, seed) for row in PLAN.rows if row.is_ready for seed in range(1, row.seeds + 1)
    }
    assert max(run.seed for run in runs) == 10


def test_preset_that_is_missing_is_left_out_and_named(tmp_path: Path) -> None:
    path = Tool(tmp_path, TINY.replace("preset: td3", "preset: td9")).list
    missing = plan.read_plan(path)
    assert missing.runs() == []
    assert "td9" in status.report(missing, tmp_path, tmp_path)


def test_misspelled_key_of_the_list_is_named(tmp_path: Path) -> None:
    path = Tool(tmp_path, TINY.replace("spread: 10", "spred: 10")).list
    with pytest.raises(UserError, match=r"spred=10.*spread"):
        plan.read_plan(path)


def test_interrupted_list_is_continued_and_recorded(tool: Tool) -> None:
    process = tool.start("train", "--jobs", "1")
    wait_until(lambda: list(tool.runs.glob("td3_pendulum_1/checkpoint/*.pt")))
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=120)
    assert process.returncode == 128 + signal.SIGINT, output
    assert json.loads((tool.runs / NAMES[0] / "status.json").read_text())["state"] == "interrupted"
    assert tool.recorded() == []
    assert "0 of 2 runs done" in tool.run("status")[1]

    code, output = tool.run("train", "--jobs", "1")
    assert code == 0, output
    assert f"{NAMES[0]} continues" in output
    assert tool.recorded() == NAMES
    starts = [json.loads((tool.records / name / "provenance.json").read_text())["starts"] for name in NAMES]
    assert [len(one) for one in starts] == [2, 1]
    steps = [row["env_step"] for row in record.read_record(tool.records / NAMES[0]) if "charts/SPS" in row]
    assert steps == list(range(100, 3001, 100))

    assert tool.run("train") == (0, "")
    assert "2 of 2 runs done, 0.0 core-hours left" in tool.run("status")[1]


def test_run_that_fails_is_told_and_leaves_no_record(tmp_path: Path) -> None:
    tool = Tool(tmp_path, TINY.replace("batch_size=8", "batch_size=0").replace("seeds: 2", "seeds: 1"))
    code, output = tool.run("train")
    assert code == 1
    assert f"{NAMES[0]} failed" in output
    assert "batch_size=0" in (tool.runs / f"{NAMES[0]}.log").read_text()
    assert tool.recorded() == []


@pytest.fixture
def finished(tool: Tool, compose: Callable[..., DictConfig]) -> tuple[plan.Plan, plan.PlannedRun, dict[str, Any]]:
    """The tiny plan, its first run, and the config that this run has."""
    tiny = plan.read_plan(tool.list)
    run = tiny.runs()[0]
    config: Any = OmegaConf.to_container(check(compose(*run.overrides, "resume=/home/me/run")))
    return tiny, run, config


def test_collect_takes_finished_runs_alone(
    tool: Tool, tmp_path: Path, finished: tuple[plan.Plan, plan.PlannedRun, dict[str, Any]]
) -> None:
    tiny, run, config = finished
    finished_folder(tmp_path / "elsewhere" / NAMES[0], run, config)
    half = finished_folder(tmp_path / "elsewhere" / NAMES[1], tiny.runs()[1], config)
    (half / "status.json").write_text(json.dumps({"state": "running", "env_step": 400}), encoding="utf-8")
    said = list(record.collect(tiny, tmp_path / "elsewhere", tool.records))
    assert tool.recorded() == NAMES[:1]
    assert [line.partition(" ")[0] for line in said] == NAMES
    assert "is not finished" in said[1]
    assert "already" in next(record.collect(tiny, tmp_path / "elsewhere", tool.records))


def test_seed_that_diverges_is_recorded(
    tool: Tool, tmp_path: Path, finished: tuple[plan.Plan, plan.PlannedRun, dict[str, Any]]
) -> None:
    tiny, planned, config = finished
    config["optimizer"]["critic"]["lr"] = 1e30
    with pytest.raises(UserError, match="is not finite"):
        lifecycle.run(OmegaConf.create(config | {"resume": None}), tmp_path / "elsewhere" / planned.name)
    list(record.collect(tiny, tmp_path / "elsewhere", tool.records))
    about = json.loads((tool.records / planned.name / record.PROVENANCE).read_text())
    assert about["state"] == "failed"
    assert "is not finite" in about["error"]
    assert about["env_step"] < planned.row.steps


def test_record_has_no_path_and_no_host(
    tool: Tool, tmp_path: Path, finished: tuple[plan.Plan, plan.PlannedRun, dict[str, Any]]
) -> None:
    _, run, config = finished
    made = record.write_record(run, finished_folder(tmp_path / NAMES[0], run, config), tool.records)
    for name in (record.CONFIG, record.PROVENANCE):
        text = (made / name).read_text(encoding="utf-8")
        assert "/home" not in text
        assert "mine" not in text
    start = json.loads((made / record.PROVENANCE).read_text())["starts"][0]
    assert (start["commit"], start["kernels"], start["machine"]["cpu"]) == ("0123abc", "torch", "EPYC")
    assert math.isnan(record.read_record(made)[0]["charts/episodic_return"])


def test_another_run_under_the_name_is_refused(
    tool: Tool, tmp_path: Path, finished: tuple[plan.Plan, plan.PlannedRun, dict[str, Any]]
) -> None:
    _, run, config = finished
    folder = finished_folder(tmp_path / NAMES[0], run, config | {"random_steps": 777})
    with pytest.raises(UserError, match=r"random_steps=777.*50"):
        record.write_record(run, folder, tool.records)
    assert tool.recorded() == []


def test_speed_is_that_of_learning() -> None:
    warm_up = {"charts/SPS": 10_000.0}
    learning = [{"charts/SPS": 100.0, "losses/qf1_loss": 1.0}, {"charts/SPS": 300.0, "losses/qf1_loss": 1.0}]
    assert status.speed([warm_up]) is None
    assert status.speed([warm_up, *learning]) == pytest.approx(150)


def test_core_hours_follow_from_the_speed_of_the_row(
    tool: Tool, tmp_path: Path, finished: tuple[plan.Plan, plan.PlannedRun, dict[str, Any]]
) -> None:
    tiny, run, config = finished
    assert "0.0 core-hours left and 2 runs without an estimate" in status.report(tiny, tool.runs, tool.records)
    folder = finished_folder(tmp_path / NAMES[0], run, config)
    row = {"env_step": 3000, "charts/SPS": 1 / 2.4, "losses/qf1_loss": 1.0}
    (folder / "metrics.jsonl").write_bytes(encode_row(row))
    record.write_record(run, folder, tool.records)
    assert "1 of 2 runs done, 2.0 core-hours left" in status.report(tiny, tool.runs, tool.records)


def test_there_are_records() -> None:
    assert RECORDS


@pytest.mark.parametrize("folder", RECORDS, ids=lambda folder: folder.name)
def test_record_is_of_the_list_and_names_no_machine(folder: Path) -> None:
    run = next(run for run in PLAN.runs() if run.name == folder.name)
    assert list(record.differences(run, yaml.safe_load((folder / record.CONFIG).read_text()))) == []
    for name in (record.CONFIG, record.PROVENANCE):
        text = (folder / name).read_text(encoding="utf-8")
        assert not re.search(r"(^|[\s\"'=:])[/~]\w", text), name
        assert "host" not in text
        assert f'"{socket.gethostname()}"' not in text
    about = json.loads((folder / record.PROVENANCE).read_text())
    assert max(row["env_step"] for row in record.read_record(folder)) == about["env_step"]
    assert about["env_step"] == run.row.steps or "is not finite" in about["error"]
    assert about["starts"]
    for start in about["starts"]:
        assert re.fullmatch("[0-9a-f]{40}", start["commit"])
        assert start["dirty"] is False
        assert all([start["kernels"], start["versions"]["torch"], start["machine"]["cpu"]])
