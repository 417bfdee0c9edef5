"""`ddpg.frame`: the metrics of many runs as one table."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.fake_runs import FakeRun, write_sweep
from support.report_runs import RETURN, write_run

import ddpg
from ddpg.api.frames import frame
from ddpg.errors import UserError
from ddpg.record.tracking.metrics import read_metrics

LOSS = "losses/qf1_loss"
#: Overrides of a sweep with a number, an option and a switch that differ.
WORDS = {
    ("noise=ou", "gamma=0.99", "optimizer.double=true"): 100.0,
    ("noise=gaussian", "gamma=0.9", "optimizer.double=false"): 50.0,
}


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five runs of four that were planned: one failed halfway, one has no evaluation, one has not started."""
    odd = {1: FakeRun("failed", 0.5, nan=True), 2: FakeRun(evaluations=False), 5: FakeRun(None)}
    folder = tmp_path_factory.mktemp("frames") / "sweep"
    write_sweep(folder, configurations=WORDS, seeds=(1, 2, 3), odd=odd)
    return folder


@pytest.fixture(scope="module", params=["numpy", "pandas", "polars"])
def table(request: pytest.FixtureRequest, sweep: Path) -> dict[str, list[Any]]:
    """Every metric of the sweep by each engine, as lists with None for what is missing."""
    found = frame(sweep, "all", request.param)
    if request.param == "polars":
        return found.to_dict(as_series=False)
    return {name: [None if value != value else value for value in found[name].tolist()] for name in found}


def test_every_value_of_every_run_is_there_once(sweep: Path, table: dict[str, list[Any]]) -> None:
    folders = sorted({*table["run"]}, key=table["run"].index)
    assert [Path(folder).parent for folder in folders] == [sweep] * 5
    names = [name for name in table if "/" in name]
    assert RETURN in names
    assert LOSS in names
    assert names == sorted(names)
    for folder in folders:
        rows = [place for place, run in enumerate(table["run"]) if run == folder]
        steps = [table["env_step"][row] for row in rows]
        assert steps == sorted(set(steps))
        for name in names:
            found = {
                step: table[name][row] for step, row in zip(steps, rows, strict=True) if table[name][row] is not None
            }
            record = read_metrics(Path(folder) / "metrics.jsonl")
            assert found == {row["env_step"]: row[name] for row in record if np.isfinite(row.get(name, np.nan))}


def test_columns_say_what_a_run_is(table: dict[str, list[Any]]) -> None:
    first = {name: values[0] for name, values in table.items()}
    last = {name: values[-1] for name, values in table.items()}
    assert list(table)[:5] == ["run", "environment", "configuration", "seed", "state"]
    assert list(table)[5:9] == ["noise", "gamma", "optimizer.double", "env_step"]
    keys = ("environment", "configuration", "seed", "noise", "gamma", "optimizer.double", "env_step")
    assert [first[key] for key in keys] == ["halfcheetah-v4", "noise=ou gamma=0.99 double=true", 1, "ou", 0.99, True, 0]
    assert [last[key] for key in keys[2:6]] == [2, "gaussian", 0.9, False]


def test_runs_that_are_not_done_can_be_left_out(table: dict[str, list[Any]]) -> None:
    states = dict(zip(table["run"], table["state"], strict=True))
    assert sorted(states.values()) == ["done", "done", "done", "done", "failed"]


def test_rows_are_where_one_of_the_metrics_has_a_value(sweep: Path) -> None:
    returns = frame(sweep)
    assert np.isfinite(returns[RETURN]).all()
    assert len({*returns["run"]}) == 4  # one has no evaluation
    both = frame([sweep], [RETURN, LOSS])
    assert list(both)[-2:] == [RETURN, LOSS]
    assert (np.isfinite(both[RETURN]) | np.isfinite(both[LOSS])).all()
    np.testing.assert_array_equal(both[RETURN][np.isfinite(both[RETURN])], returns[RETURN])


def test_kinds_of_columns(sweep: Path) -> None:
    found = frame(sweep)
    kinds = {name: values.dtype.kind for name, values in found.items()}
    assert kinds["seed"] + kinds["env_step"] + kinds["gamma"] + kinds["optimizer.double"] + kinds["noise"] == "iifbO"


def test_a_run_without_a_key_and_texts_that_look_like_numbers(tmp_path: Path) -> None:
    """Where no command line is on record, all keys that differ count as typed."""
    write_run(tmp_path / "a", [1.0, 2.0], noise__sigma=0.5, gamma=1)
    write_run(tmp_path / "b", [3.0], noise__more=3, gamma=None)
    found = frame([tmp_path / "a", tmp_path / "b"])
    assert found["noise.sigma"].tolist() == [0.5, 0.5, 0.2]
    np.testing.assert_array_equal(found["noise.more"], [np.nan, np.nan, 3])
    assert found["gamma"].tolist() == ["1", "1", "null"]
    empty = frame(tmp_path / "a", engine="polars", metrics=RETURN)
    assert empty["env_step"].to_list() == [0, 100]


def test_a_run_in_two_folders_is_read_once(sweep: Path) -> None:
    run = next(path for path in sweep.iterdir() if path.is_dir())
    assert len(frame([sweep, run, str(run), ddpg.load_run(run)])["run"]) == len(frame(sweep)["run"])


def test_runs_are_folders_too(sweep: Path) -> None:
    """One of the chosen has not started."""
    chosen = ddpg.runs(sweep, "noise=gaussian")
    assert [run.status.get("state") for run in chosen] == ["done", "done", None]
    assert {*ddpg.frame(chosen, "all")["seed"]} == {1, 2}


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        ({"metrics": "eval/episodic_retrun"}, "did you mean eval/episodic_return?"),
        ({"metrics": ()}, 'metrics: there is none in the list; metrics="all" takes every one'),
        ({"metrics": ["env_step"]}, "env_step"),
        ({"engine": "panda"}, "engine=panda: there is no such engine; did you mean pandas?"),
        ({"engine": None}, "engine=None: there is no such engine; allowed here: numpy, pandas, polars"),
        ({"metrics": 3}, "metrics=3 must be the name of a metric, a list of names, or 'all'"),
        ({"metrics": [RETURN, None]}, "must be the name of a metric"),
        ({"folders": []}, "folders: there is none in the list"),
        ({"folders": "nowhere"}, "nowhere: there is no such folder"),
    ],
)
def test_mistakes_are_one_line(sweep: Path, arguments: dict[str, Any], line: str) -> None:
    with pytest.raises(UserError) as caught:
        frame(**{"folders": sweep, **arguments})
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def test_folders_without_a_run(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no run folder"):
        frame(tmp_path)
    write_sweep(tmp_path / "planned", configurations=WORDS, seeds=(1,), odd={0: FakeRun(None), 1: FakeRun(None)})
    with pytest.raises(UserError, match="holds no run that has started yet, of 2 that are planned"):
        frame(tmp_path / "planned")


def test_the_missing_package_is_named(sweep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ddpg.api.engines.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"^engine=polars: the package polars is missing: pip install polars$"):
        frame(sweep, engine="polars")


def test_numpy_needs_no_other_package(sweep: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pandas", "polars"):
        monkeypatch.setitem(sys.modules, name, None)
    assert len(frame(sweep)["run"])
