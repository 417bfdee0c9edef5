"""A run of docs/results is read as the run folder that it was."""

import gzip
import json
from pathlib import Path

import pytest
from support.report_runs import RETURN, write_run

from ddpg.errors import UserError
from ddpg.report.facts import starts
from ddpg.report.metric import Metric
from ddpg.report.reading import find_runs, read_runs
from ddpg.report.repeat import repeat

COMMAND = "ddpg-train preset=cleanrl env=halfcheetah seed=1"


def keep(folder: Path) -> Path:
    """Give a run folder the form of docs/results."""
    record = folder / "metrics.jsonl"
    (folder / "metrics.jsonl.gz").write_bytes(gzip.compress(record.read_bytes()))
    start = {"started": "2026-11-28T16:16:07+00:00", "commit": "c3b8", "versions": {}, "machine": {"cpu": "AMD"}}
    content = {"command": COMMAND, "state": "done", "env_step": 100, "error": None, "starts": [start]}
    (folder / "provenance.json").write_text(json.dumps(content))
    record.unlink()
    (folder / "status.json").unlink()
    return folder


def test_a_kept_run_is_read_as_a_run_folder(tmp_path: Path) -> None:
    keep(write_run(tmp_path / "a", [1.0, 5.0]))
    [run] = read_runs([tmp_path], Metric(RETURN))
    assert (run.state, run.done_step, list(run.metric.values)) == ("done", 100, [1.0, 5.0])
    [record] = find_runs([tmp_path])
    assert record.choices == {"preset": "cleanrl", "env": "halfcheetah"}
    assert repeat(record).command == f"{COMMAND} total_steps=300"
    [start] = starts(record, [])
    assert (start["machine"], start["commit"], start["step"]) == ("AMD", "c3b8", 0)


@pytest.mark.parametrize(
    ("name", "content"),
    [("metrics.jsonl.gz", b"\x1f\x8btorn"), ("provenance.json", b"[1"), ("provenance.json", b'{"command": "a \'b"}')],
)
def test_a_damaged_one_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    (keep(write_run(tmp_path / "a", [1.0])) / name).write_bytes(content)
    with pytest.raises(UserError, match=name):
        read_runs([tmp_path], Metric(RETURN))
