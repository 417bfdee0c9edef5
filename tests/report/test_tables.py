"""The data of a report as CSV and Parquet."""

import csv
import sys
from pathlib import Path

import pytest
from support.fake_runs import FakeRun, write_sweep

from ddpg.report.view import View
from ddpg.report.write import write_report

ODD = {1: FakeRun("failed", 0.5, error="ValueError: gone, alas\nat line 3"), 3: FakeRun(None)}
CONFIGURATIONS = {("noise=ou",): 100.0, ("noise=gaussian",): 50.0}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_tables_have_every_run_and_every_value(tmp_path: Path) -> None:
    from pyarrow import parquet

    write_sweep(tmp_path / "sweep", configurations=CONFIGURATIONS, seeds=(1, 2), odd=ODD)
    write_report([tmp_path / "sweep"], tmp_path / "out", View(threshold=60.0), "")
    done, failed, other, waiting = rows_of(tmp_path / "out" / "runs.csv")
    assert (done["state"], done["counts"], done["noise"]) == ("done", "True", "ou")
    assert (failed["state"], failed["error"], failed["note"]) == ("failed", "ValueError: gone, alas", "failed")
    assert (waiting["state"], waiting["seed"], waiting["score last"]) == ("not started", "2", "")
    assert float(done["steps_to_threshold"]) > 0
    assert other["steps_to_threshold"] == ""
    curve = [row for row in rows_of(tmp_path / "out" / "curves.csv") if row["id"] == done["id"]]
    assert [int(row["env_step"]) for row in curve] == list(range(0, 20_001, 1000))
    assert float(curve[-1]["value"]) == float(done["score last"])
    columns = parquet.read_table(tmp_path / "out" / "runs.parquet").to_pydict()
    assert columns["score last"][0] == float(done["score last"])


def test_a_filter_by_a_column_leaves_it_as_it_is(tmp_path: Path) -> None:
    """A number of its own in every row, those of runs that have not started too."""
    from pyarrow import parquet

    write_sweep(tmp_path / "sweep", configurations=CONFIGURATIONS, seeds=(1, 2), odd=ODD)
    view = View(filters={"seed": "1,2", "total_steps": "20000"})
    write_report([tmp_path / "sweep"], tmp_path / "out", view, "")
    assert [row["seed"] for row in rows_of(tmp_path / "out" / "runs.csv")] == ["1", "2", "1", "2"]
    columns = parquet.read_table(tmp_path / "out" / "runs.parquet").to_pydict()
    assert columns["seed"] == [1, 2, 1, 2]
    assert columns["total_steps"] == [20_000, 20_000, 20_000, None]


def test_a_sentence_names_the_missing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_sweep(tmp_path / "sweep", configurations=CONFIGURATIONS, seeds=(1,))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setattr("ddpg.report.tables.find_spec", lambda name: None)
    text = write_report([tmp_path / "sweep"], tmp_path / "out", View(), "")
    assert "pyarrow is missing" in text
    assert not list((tmp_path / "out").glob("*.parquet"))
