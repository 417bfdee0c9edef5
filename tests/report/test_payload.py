"""The payload of the page: complete, finite, and the same at every call."""

import json
from pathlib import Path

import numpy as np
import pytest
from support.fake_runs import FakeRun, write_sweep
from support.report_runs import write_run

from ddpg.report.arrays import decode
from ddpg.report.payload import Payload, View, read_report, to_json

RETURN = "eval/episodic_return"
ODD = {
    1: FakeRun("failed", 0.5, error="FloatingPointError: the critic's loss is NaN\nTraceback ...", nan=True),
    2: FakeRun("running", 0.35, torn=True),
    4: FakeRun(None),
}


@pytest.fixture(scope="module")
def payload(tmp_path_factory: pytest.TempPathFactory) -> Payload:
    """The payload of a sweep with a run that failed, one that goes on, and one that has not started."""
    sweep = tmp_path_factory.mktemp("sweep")
    write_sweep(sweep, odd=ODD)
    return read_report([sweep], View(), "ddpg-report sweep").payload


def test_payload_is_json_without_nan(payload: Payload) -> None:
    again = json.loads(to_json(payload))
    assert len(again["runs"]) == 11
    assert len(again["t"]) == 200
    assert again["t"][1] == pytest.approx(4.302653)


def test_runs_that_do_not_count_say_why(payload: Payload) -> None:
    first, failed, running = payload["runs"][:3]
    assert first["counts"]
    assert (failed["counts"], failed["note"], failed["state"]) == (False, "failed", "failed")
    assert failed["error"] == "FloatingPointError: the critic's loss is NaN"
    assert (running["counts"], running["note"]) == (False, "still running or interrupted")
    assert [run["scored_at"] for run in (first, failed, running)] == [20_000, None, None]


def test_a_seed_that_was_run_again_is_marked(tmp_path: Path) -> None:
    """Of two attempts that both failed one stands for the seed; report.md counts it once, and so does the page."""
    folders = write_sweep(tmp_path, odd={0: FakeRun("failed", 0.5), 1: FakeRun("failed", 0.1)}, seeds=(1, 2, 3))
    config = folders[1] / "config.yaml"
    config.write_text((folders[0] / "config.yaml").read_text())
    runs = read_report([tmp_path], View(), "").payload["runs"]
    assert [run["superseded"] for run in runs[:3]] == [False, True, False]
    assert runs[1]["note"] == "its seed was run more than once: the run that came furthest counts"


def test_the_page_gets_the_notes_of_report_md_and_where_each_score_is_of(tmp_path: Path) -> None:
    """Half as long, and evaluated half as often with other episodes: 12 evaluations in 1200 steps, and 6."""
    write_run(tmp_path / "whole", [0.0] * 13, gamma=0.1)
    write_run(tmp_path / "half", [0.0] * 7, gamma=0.2, total_steps=600)
    seldom = write_run(tmp_path / "seldom", [0.0] * 13, gamma=0.3, eval={"every": 200, "episodes": 5})
    rows = [json.loads(line) for line in (seldom / "metrics.jsonl").open()]
    (seldom / "metrics.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows if row["env_step"] % 200 == 0))
    payload = read_report([tmp_path], View(), "").payload
    lasts = {run["keys"]["gamma"]: (run["scored_from"], run["scored_at"]) for run in payload["runs"]}
    assert lasts == {"0.1": (300, 1200), "0.2": (100, 600), "0.3": (200, 1200)}
    steps, episodes = payload["notes"]["pendulum"]
    assert steps.endswith("600 to 1.2k (column step)")
    assert episodes == "the configurations differ in eval.episodes: 1, 5 episodes an evaluation"


def test_curves_come_back(payload: Payload) -> None:
    curves = payload["runs"][0]["curves"]
    curve = curves[RETURN]
    steps = decode(curves[curve["step"]["ref"]]["step"])
    assert steps[0] == 0
    assert steps[-1] == 20_000
    assert decode(curve["value"])[-1] == pytest.approx(payload["runs"][0]["scores"]["last"], rel=1e-4)
    assert np.isfinite(decode(curve["value"])).all()
