"""The answers that a page is sent while runs begin, grow, restart, end, die and vanish."""

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.live_runs import GrowingRun, Page
from support.populations import write_population
from support.report_runs import RETURN

from ddpg.errors import UserError
from ddpg.report.arrays import decode
from ddpg.report.live import feed as module
from ddpg.report.live.feed import Feed
from ddpg.report.view import View


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], Page]:
    """Open the page of a folder; everything is looked at whenever it asks."""
    for share in ("LOOKING", "COMPARING"):
        monkeypatch.setattr(module, share, 1e9)
    monkeypatch.setattr(module, "LOOK_S", 0.0)
    return lambda top: Page(Feed([top], View(), "ddpg-report serve outputs"))


def returns(run: dict[str, Any]) -> tuple[list[float], list[float]]:
    curve = run["curves"].get(RETURN)
    if curve is None:
        return [], []
    return list(decode(curve["step"])), [round(float(value), 2) for value in decode(curve["value"])]


def test_a_fork_begins_where_it_was_forked(tmp_path: Path, watch: Callable[[Path], Page]) -> None:
    forked = {"configuration": "8d93be39", "env_step": 100}
    run = GrowingRun(tmp_path / "a", fork="outputs/src", forked=forked)
    run.grow(1.0, 2.0)
    page = watch(tmp_path)
    assert returns(page.ask()["a"]) == ([], [])
    run.grow(3.0)
    assert returns(page.ask()["a"]) == ([200], [3.0])
    assert "forked from outputs/src at step 100" in page.head["notes"]["pendulum"][0]


def test_notes_are_on_the_newest_generation_of_a_population(tmp_path: Path, watch: Callable[[Path], Page]) -> None:
    """Of 4 members and 4 generations the last ones were trained for longer."""
    population = write_population(tmp_path / "valley", lambda trial: float(trial.number))
    newest = len(population.trials()) - 4
    for trial in population.trials().values():
        run = GrowingRun(population.path / trial.name / f"seed_{trial.seeds[0]}", gamma=trial.number, total_steps=100)
        run.grow(1.0, 2.0, *([3.0] if trial.number >= newest else []))
        run.step -= 100
        run.end("done")
    page = watch(tmp_path)
    page.ask()
    assert len(page.runs) == newest + 4
    assert page.head["notes"] == {"pendulum": []}


def test_a_run_appears_grows_and_is_done(tmp_path: Path, watch: Callable[[Path], Page]) -> None:
    page = watch(tmp_path)
    assert page.ask() == {}
    assert page.head["made"]["live"]
    assert page.head["live"]["sweeps"] == []
    run = GrowingRun(tmp_path / "a", seed=7)
    run.grow(1.0, 2.0)
    seen = page.ask()["a"]
    assert (seen["state"], seen["step"], seen["total_steps"], seen["seed"]) == ("running", 100, 300, 7)
    live = seen["live"]
    assert (live["speed"], live["left_s"], live["return"], live["training_return"]) == (100.0, 2, 2.0, None)
    assert live["where"] == socket.gethostname()
    assert returns(seen) == ([0, 100], [1.0, 2.0])
    page.ask()
    assert page.changed == []
    run.grow(3.0)
    assert returns(page.ask()["a"]) == ([0, 100, 200], [1.0, 2.0, 3.0])
    assert [set(one) & {"config", "curves", "step"} for one in page.changed] == [{"curves", "step"}]
    run.step = 300
    run.grow(4.0)
    run.step = 300
    run.end("done", last_return=4.0)
    seen = page.ask()["a"]
    assert (seen["state"], seen["counts"], seen["live"]["left_s"]) == ("done", True, None)
    assert returns(seen)[1] == [1.0, 2.0, 3.0, 4.0]


def test_a_run_that_goes_on_from_a_checkpoint_has_the_rows_of_its_record(
    tmp_path: Path, watch: Callable[[Path], Page]
) -> None:
    run = GrowingRun(tmp_path / "a")
    run.grow(1.0, 2.0, 3.0)
    run.write_status("interrupted")
    page = watch(tmp_path)
    page.ask()
    run.cut_back(100)
    run.grow(5.0, 6.0)
    run.write_status("running")
    assert returns(page.ask()["a"]) == ([0, 100, 200, 300], [1.0, 2.0, 5.0, 6.0])


def test_states_are_those_of_the_folders_and_their_locks(tmp_path: Path, watch: Callable[[Path], Page]) -> None:
    failed = GrowingRun(tmp_path / "failed")
    failed.end("failed", error="ValueError: no\nTraceback")
    killed = GrowingRun(tmp_path / "killed")
    killed.grow(1.0)
    page = watch(tmp_path)
    seen = page.ask()
    assert (seen["failed"]["state"], seen["failed"]["error"]) == ("failed", "ValueError: no")
    assert seen["killed"]["state"] == "running"
    killed.kill()
    assert page.ask()["killed"]["state"] == "vanished"


def test_what_cannot_be_read_is_named_and_hides_nothing_else(tmp_path: Path, watch: Callable[[Path], Page]) -> None:
    GrowingRun(tmp_path / "good").grow(1.0)
    bad = GrowingRun(tmp_path / "bad")
    (bad.path / "config.yaml").write_text("a: [")
    torn = GrowingRun(tmp_path / "torn")
    torn.grow(1.0)
    (torn.path / "metrics.jsonl").open("ab").write(b'{"env_step": 100, "eval/epi')
    damaged = GrowingRun(tmp_path / "damaged")
    damaged.grow(1.0)
    (damaged.path / "metrics.jsonl").open("ab").write(b'{"env\n{"env_step": 100}\n')
    (tmp_path / "beginning").mkdir()
    (tmp_path / "beginning" / "provenance.json").write_text("[]")
    page = watch(tmp_path)
    seen = page.ask()
    assert set(seen) == {"good", "torn", "damaged"}
    assert returns(seen["torn"]) == ([0], [1.0])
    assert "is not JSON" in seen["damaged"]["error"]
    told = page.head["live"]
    assert [Path(one["folder"]).name for one in told["problems"]] == ["bad", "damaged"]
    assert [Path(path).name for path in told["beginning"]] == ["beginning"]


def test_a_run_that_is_removed_leaves_the_page(tmp_path: Path, watch: Callable[[Path], Page]) -> None:
    GrowingRun(tmp_path / "a").grow(1.0)
    GrowingRun(tmp_path / "b", noise__sigma=0.5).grow(1.0)
    page = watch(tmp_path)
    assert page.ask()["a"]["configuration"] == "sigma=0.2"
    (tmp_path / "b").rename(tmp_path / ".b")
    assert set(page.ask()) == {"a"}
    assert page.ask()["a"]["configuration"] == "-"


def test_a_sweep_shows_its_queue(tmp_path: Path, watch: Callable[[Path], Page]) -> None:
    sweep = tmp_path / "sweep"
    run = GrowingRun(sweep / "0")
    run.grow(1.0, 2.0)
    for name in ("1", "2"):
        waiting = GrowingRun(sweep / name)
        (waiting.path / "status.json").unlink()
    manifest = {"runs": [{"folder": str(number), "overrides": []} for number in range(3)]}
    (sweep / "sweep.json").write_text(json.dumps(manifest))
    page = watch(tmp_path)
    page.ask()
    assert page.head["live"]["sweeps"] == [
        {
            "folder": str(sweep), "runs": 3, "counts": {"running": 1, "not submitted": 2}, "waiting": [],
            "reason": "", "share": 0.1111, "left_s": 2,
        }
    ]  # fmt: skip
    task = "elsewhere:1:2"
    submission = {"time": "2026-11-29T00:00:00+00:00", "user": 0, "scheduler": "local", "tasks": {task: [0, 1, 2]}}
    (sweep / "submissions.jsonl").write_text(json.dumps(submission) + "\n")
    page.ask()
    [told] = page.head["live"]["sweeps"]
    assert told["counts"] == {"running": 1, "pending": 2}
    assert [Path(path).name for path in told["waiting"]] == ["1", "2"]
    assert told["left_s"] == 8


def test_many_runs_are_opened_little_by_little(
    tmp_path: Path, watch: Callable[[Path], Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        GrowingRun(tmp_path / str(number), seed=number).grow(1.0)
    page = watch(tmp_path)
    monkeypatch.setattr(module, "OPENING_S", 1e-9)
    unread = []
    for _ in range(4):
        page.ask()
        unread.append(page.head["live"]["unread"])
    assert unread == [2, 1, 0, 0]
    assert [returns(run)[1] for run in page.runs.values()] == [[1.0]] * 3


def test_a_run_that_is_read_before_it_is_compared_is_sent_whole(
    tmp_path: Path, watch: Callable[[Path], Page], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "COMPARING", 1e-9)
    monkeypatch.setattr(module, "OPENING_S", 1e-9)
    for number in range(3):
        GrowingRun(tmp_path / str(number), seed=number).grow(1.0)
    page = watch(tmp_path)
    known = [len(page.ask()) for _ in range(4)]
    assert known == [1, 1, 3, 3]
    assert [returns(run)[1] for run in page.runs.values()] == [[1.0]] * 3


def test_a_version_of_an_earlier_server_gives_everything(tmp_path: Path, watch: Callable[[Path], Page]) -> None:
    GrowingRun(tmp_path / "a").grow(1.0)
    page = watch(tmp_path)
    page.ask()
    page.version = "cafe0123-99"
    page.ask()
    assert "curves" in page.changed[0]
    assert "metrics" in json.loads(page.feed.payload("nonsense"))["head"]


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outputs").mkdir()
    with pytest.raises(UserError, match=r"there is no such folder; did you mean .*outputs"):
        Feed([tmp_path / "outptus"], View(), "")
