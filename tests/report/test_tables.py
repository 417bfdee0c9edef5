"""The data of a report as CSV and Parquet."""

import csv
import shutil
import sys
from pathlib import Path

import pytest
from support.fake_runs import FakeRun, write_sweep
from support.report_runs import write_run

from ddpg.errors import UserError
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


def test_the_scores_are_those_of_report_md_whatever_is_chosen(tmp_path: Path) -> None:
    """Seeds 1 and 2 have come twice as far: 3 of 5 count where all have been, these two where they are now."""
    for seed in range(1, 6):
        steps = 20 if seed < 3 else 10
        write_run(tmp_path / "runs" / str(seed), [10.0 * i + seed for i in range(steps + 1)], seed=seed)
    text = write_report([tmp_path / "runs"], tmp_path / "out", View(filters={"seed": "1,2"}), "")
    assert "201.5 ± 0.5 " in text
    rows = rows_of(tmp_path / "out" / "runs.csv")
    assert [(row["score last"], row["scored_at"]) for row in rows] == [("201.0", "2000.0"), ("202.0", "2000.0")]
    write_report([tmp_path / "runs"], tmp_path / "out", View(), "")
    rows = rows_of(tmp_path / "out" / "runs.csv")
    assert [(row["score last"], row["scored_at"]) for row in rows[:2]] == [("101.0", "1000.0"), ("102.0", "1000.0")]


def test_the_scores_of_joined_configurations_are_of_the_step_that_all_have(tmp_path: Path) -> None:
    for rate, steps in ((0.1, 10), (0.2, 20)):
        write_run(tmp_path / "runs" / str(rate), [10.0 * i for i in range(steps + 1)], optimizer__actor__lr=rate)
    view = View(group_by=("optimizer.critic.lr",))
    write_report([tmp_path / "runs"], tmp_path / "out", view, "")
    assert [row["score last"] for row in rows_of(tmp_path / "out" / "runs.csv")] == ["100.0", "100.0"]


def test_a_filter_takes_the_runs_that_have_not_started_too(tmp_path: Path) -> None:
    """Of each configuration one waits, and of the first one has no folder any more."""
    sweep = tmp_path / "sweep"
    odd = {2: FakeRun(None), 5: FakeRun(None)}
    folders = write_sweep(sweep, configurations=CONFIGURATIONS, seeds=(1, 2, 3), odd=odd)
    shutil.rmtree(folders[0])
    write_report([sweep], tmp_path / "out", View(), "")
    rows = rows_of(tmp_path / "out" / "runs.csv")
    assert [row["state"] for row in rows[3:]] == ["not started", "not started", "without a folder"]
    write_report([sweep], tmp_path / "out", View(filters={"noise": "ou"}), "")
    rows = rows_of(tmp_path / "out" / "runs.csv")
    assert [(row["seed"], row["state"], row["noise"]) for row in rows] == [
        ("2", "done", "ou"),
        ("3", "not started", "ou"),
    ]


def test_a_filter_by_a_value_that_only_waiting_runs_have_is_no_mistake(tmp_path: Path) -> None:
    write_sweep(
        tmp_path / "sweep", configurations=CONFIGURATIONS, seeds=(1, 2), odd={1: FakeRun(None), 3: FakeRun(None)}
    )
    write_report([tmp_path / "sweep"], tmp_path / "out", View(filters={"seed": "1,2", "noise": "ou"}), "")
    rows = rows_of(tmp_path / "out" / "runs.csv")
    assert [(row["seed"], row["state"]) for row in rows] == [("1", "done"), ("2", "not started")]
    with pytest.raises(UserError, match="seed=2: no such run has started yet, of 2 that are planned"):
        write_report([tmp_path / "sweep"], tmp_path / "out", View(filters={"seed": "2"}), "")


def test_a_sentence_names_the_missing_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_sweep(tmp_path / "sweep", configurations=CONFIGURATIONS, seeds=(1,))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    monkeypatch.setattr("ddpg.report.tables.find_spec", lambda name: None)
    text = write_report([tmp_path / "sweep"], tmp_path / "out", View(), "")
    assert "pyarrow is missing" in text
    assert not list((tmp_path / "out").glob("*.parquet"))
