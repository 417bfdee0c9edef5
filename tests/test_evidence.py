"""The list of scripts/evidence.py, how far it is, and the records."""

import json
import math
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from omegaconf import DictConfig, OmegaConf
from support.evidence import NAMES, TINY, Tool, finished_folder

from ddpg.config.settings import check
from ddpg.errors import UserError
from ddpg.record.tracking.metrics import encode_row
from ddpg.report.kept import read_rows
from ddpg.run import lifecycle
from reproduce import pace, plan, record, status
from reproduce.published import CONVENTIONS

ROOT = Path(__file__).parent.parent
PLAN = plan.read_plan()
RECORDS = sorted(path for path in record.RECORDS.iterdir() if path.is_dir())


@pytest.fixture
def tool(tmp_path: Path) -> Tool:
    return Tool(tmp_path)


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
        assert convention in CONVENTIONS
        assert math.isfinite(score.value)
        if not score.read_off:
            assert re.search(rf"(?<![\d.]){score.value:.2f}".rstrip("0").rstrip("."), document)
        if score.deviation is not None:
            assert re.search(rf"± {score.spread:.2f}".rstrip("0").rstrip("."), document)


def test_first_seeds_of_the_first_rows_come_first() -> None:
    runs = PLAN.runs()
    first = [row for row in PLAN.rows if row.number <= 4]
    assert [(run.row, run.seed) for run in runs[: len(first)]] == [(row, 1) for row in first]
    last = [stage.name for stage in PLAN.stages].index("seeds of the list")
    listed = [run for run in runs if run.stage <= last]
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
    path = Tool(tmp_path, TINY.replace("steps: 6000", "stebs: 6000")).list
    with pytest.raises(UserError, match=r"stebs=6000.*steps"):
        plan.read_plan(path)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("sb3_pendulun", "published=sb3_pendulun: .*sb3_pendulum"),
        ("keras_51", "published=training_40 is not one of training"),
    ],
)
def test_table_without_scores_for_the_list_is_refused(name: str, message: str, tmp_path: Path) -> None:
    path = Tool(tmp_path, TINY.replace("sb3_pendulum", name)).list
    with pytest.raises(UserError, match=message):
        plan.read_plan(path)


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
        assert "my-laptop" not in text
    start = json.loads((made / record.PROVENANCE).read_text())["starts"][0]
    assert (start["commit"], start["kernels"], start["machine"]["cpu"]) == ("0123abc", "torch", "EPYC")
    assert start["uncommitted"] == ["ddpg/agent.py", "conf/mine.yaml"]
    assert math.isnan(read_rows(made)[0]["charts/episodic_return"])


def test_another_run_under_the_name_is_refused(
    tool: Tool, tmp_path: Path, finished: tuple[plan.Plan, plan.PlannedRun, dict[str, Any]]
) -> None:
    _, run, config = finished
    folder = finished_folder(tmp_path / NAMES[0], run, config | {"random_steps": 777})
    with pytest.raises(UserError, match=r"random_steps=777.*50"):
        record.write_record(run, folder, tool.records)
    assert tool.recorded() == []


def test_speed_is_that_of_the_fastest_tenth_in_which_the_run_learns() -> None:
    warm_up = [{"charts/SPS": 10_000.0}] * 20
    slowed = [{"charts/SPS": 5.0, "losses/qf1_loss": 1.0}] * 38
    alone = [{"charts/SPS": speed, "losses/qf1_loss": 1.0} for speed in (100.0, 300.0)]
    assert pace.undisturbed_speed(warm_up) is None
    assert pace.undisturbed_speed([*warm_up, *slowed[:19], alone[1], *slowed]) == pytest.approx(6 / (5 / 5 + 1 / 300))
    assert pace.undisturbed_speed([*warm_up, *slowed[:8], *alone, *slowed[:10]]) == pytest.approx(150)


def test_pace_of_a_row_without_runs_is_that_of_comparable_ones() -> None:
    rows = {row.name: row for row in PLAN.rows}
    measured = {rows["cleanrl_hopper-v4"]: [400.0, 490.0], rows["td3_2018_hopper-v4"]: [577.0]}
    found = pace.paces(PLAN.rows, measured)
    assert found[rows["cleanrl_hopper-v4"]] == pace.Pace(490.0, "row")
    assert found[rows["cleanrl_batch_walker2d-v4"]] == pace.Pace(490.0, "preset")
    assert found[rows["paper_hopper-v4"]] == pace.Pace(577.0, "suite")
    assert rows["sb3_published_pybullet_hopper"] not in found


def test_core_hours_follow_from_the_speed_of_the_row(
    tool: Tool, tmp_path: Path, finished: tuple[plan.Plan, plan.PlannedRun, dict[str, Any]]
) -> None:
    tiny, run, config = finished
    assert "0.0 core-hours left and 2 runs without an estimate" in status.report(tiny, tool.runs, tool.records)
    folder = finished_folder(tmp_path / NAMES[0], run, config)
    row = {"env_step": 6000, "charts/SPS": 1 / 1.2, "losses/qf1_loss": 1.0, "eval/episodic_return": -150.0}
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
    assert max(row["env_step"] for row in read_rows(folder)) == about["env_step"]
    assert about["env_step"] == run.row.steps or "is not finite" in about["error"]
    assert about["starts"]
    for start in about["starts"]:
        assert re.fullmatch("[0-9a-f]{40}", start["commit"])
        assert start["uncommitted"] == []
        assert all([start["kernels"], start["versions"]["torch"], start["machine"]["cpu"]])
