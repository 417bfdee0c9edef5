"""A report of what is odd: each is a page, or one line."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.fake_runs import FakeRun, write_sweep

from ddpg.errors import UserError
from ddpg.report.compare.scored import scored
from ddpg.report.metric import Metric
from ddpg.report.page.page import page
from ddpg.report.payload import Report, read_report
from ddpg.report.view import View

ONE = {("noise=ou",): 100.0}
TWO = {("noise=ou",): 100.0, ("noise=gaussian",): 50.0}


def report_of(folder: Path, *odd: FakeRun, **view: str) -> Report:
    """Report a sweep of one configuration with these runs, and make its page."""
    write_sweep(folder, configurations=ONE, seeds=range(1, len(odd) + 1), odd=dict(enumerate(odd)))
    report = read_report([folder], View(**view), "")  # type: ignore[arg-type]
    assert page(report.payload).startswith("<!doctype html>")
    return report


@pytest.mark.parametrize(
    ("odd", "counted"),
    [
        ([FakeRun()], 1),
        ([FakeRun("failed", 0.5, error="")], 0),
        ([FakeRun("running", 0.02, torn=True)], 1),
        ([FakeRun(), FakeRun("failed", 0.0)], 1),
        ([FakeRun(nan=True), FakeRun(nan=True, evaluations=True)], 2),
        ([FakeRun(), FakeRun(evaluations=False)], 1),
        ([FakeRun("running", 0.5), FakeRun("interrupted", 0.3)], 2),
    ],
)
def test_odd_runs_have_a_page(tmp_path: Path, odd: list[FakeRun], counted: int) -> None:
    payload = report_of(tmp_path / "sweep", *odd).payload
    assert sum(run["counts"] for run in payload["runs"]) == counted


def test_runs_without_evaluations_have_a_page_of_training_episodes(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="did you mean charts/episodic_return"):
        report_of(tmp_path / "a", FakeRun(evaluations=False))
    report = report_of(tmp_path / "b", FakeRun(evaluations=False), metric="charts/episodic_return")
    assert report.payload["runs"][0]["scores"]["training100"] is not None
    assert report.payload["runs"][0]["scores"]["last"] is None


def test_a_sweep_that_has_not_started_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no run that has started yet, of 2 that are planned"):
        report_of(tmp_path / "sweep", FakeRun(None), FakeRun(None))


def torn_status(run: Path) -> None:
    (run / "status.json").write_text('{"state": "run')


def no_provenance(run: Path) -> None:
    (run / "provenance.json").unlink()


def older_config(run: Path) -> None:
    text = (run / "config.yaml").read_text()
    (run / "config.yaml").write_text(text.partition("choices:")[0].replace("learning_starts", "start_learning"))


def no_record(run: Path) -> None:
    (run / "metrics.jsonl").unlink()


def foreign_rows(run: Path) -> None:
    with (run / "metrics.jsonl").open("a") as file:
        file.write(json.dumps({"my/metric": 1.0}) + "\n" + json.dumps({"env_step": 20_000, "my/other": 2.0}) + "\n")


@pytest.mark.parametrize("damage", [torn_status, no_provenance, older_config, no_record, foreign_rows])
def test_runs_of_other_versions_and_damaged_ones_have_a_page(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    folders = write_sweep(tmp_path, configurations=TWO, seeds=(1, 2))
    damage(folders[0])
    payload = read_report([tmp_path], View(), "").payload
    assert len(payload["runs"]) == 4
    assert page(payload)


def test_a_configuration_whose_runs_all_failed_has_no_score_and_moves_nobody(tmp_path: Path) -> None:
    folder = tmp_path / "sweep"
    two = {("preset=paper",): 100.0, ("preset=td3",): 900.0}
    early = FakeRun("failed", 0.1, error="losses/qf1_loss is not finite")
    write_sweep(folder, configurations=two, seeds=(1, 2), odd={0: early, 1: early})
    report = read_report([folder], View(), "")
    of = {one.configuration: one for one in report.samples}
    assert (of["preset=paper"].seeds, of["preset=paper"].failed) == ((), 2)
    assert of["preset=td3"].steps[-1] == 20_000
    compared = scored(report.samples, Metric("eval/episodic_return"), "last", "worst")["halfcheetah-v4"]
    assert {one.step for one in compared.values()} == {20_000}
    values = np.concatenate([one.values.ravel() for one in [of["preset=td3"], *of["preset=paper"].unfinished]])
    assert compared["preset=paper"].scores.tolist() == [values.min()] * 2
