"""The payload of the page: complete, finite, and the same at every call."""

import json

import numpy as np
import pytest
from support.fake_runs import FakeRun, write_sweep

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


def test_curves_come_back(payload: Payload) -> None:
    curves = payload["runs"][0]["curves"]
    curve = curves[RETURN]
    steps = decode(curves[curve["step"]["ref"]]["step"])
    assert steps[0] == 0
    assert steps[-1] == 20_000
    assert decode(curve["value"])[-1] == pytest.approx(payload["runs"][0]["scores"]["last"], rel=1e-4)
    assert np.isfinite(decode(curve["value"])).all()
