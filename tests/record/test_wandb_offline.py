"""W&B without a network: the real wandb, in offline mode."""

import json
import logging
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from omegaconf import DictConfig
from support.runs import TINY, WALK
from support.tracked import (
    GROUP,
    KILLS,
    checkpointed,
    is_alive,
    kill,
    log_rows,
    needs_proc,
    our_messages,
    recorded,
    said,
    segments,
    sent_rows,
    settings,
    start,
    tracker_of,
    wait_until,
    wandb_core,
)  # fmt: skip
from test_resume import Alarm

from ddpg.interrupt import Interrupted
from ddpg.record.tracking import read_metrics
from ddpg.run.lifecycle import run

pytestmark = pytest.mark.usefixtures("no_wandb_account")


def next_second() -> None:
    """W&B names a segment by the second; two attempts of a run never start in the same one in earnest."""
    time.sleep(1.01 - time.time() % 1)


@needs_proc
def test_runs_of_one_process_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No process that wandb's exit hook would wait for, and no hooks, which would pile up in a multirun."""
    monkeypatch.setattr("ddpg.record.tracking.wandb_core.LET_GO_S", 60)  # busy cores
    before = sys.exit, sys.excepthook, wandb_core(os.getpid())
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        tracker = tracker_of(tmp_path / name, settings(mode="offline"))
        tracker.rewind(None)
        log_rows(tracker, 0, 3)
        assert wandb_core(os.getpid()) != before[-1]
        tracker.finish(0, {})
        assert (sys.exit, sys.excepthook, wandb_core(os.getpid())) == before
        assert sent_rows(tmp_path / name) == recorded(tmp_path / name)


def test_a_run_that_has_ended_does_not_wait_for_wandb_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tracker = tracker_of(tmp_path, settings(mode="offline"))
    tracker.rewind(None)
    log_rows(tracker, 0, 3)
    asked, ended, told = threading.Event(), threading.Event(), threading.Event()
    with monkeypatch.context() as patch:
        patch.setattr("wandb.teardown", lambda exit_code: (asked.set(), ended.wait(30), told.set()))
        patch.setattr("ddpg.record.tracking.wandb_core.LET_GO_S", 0.1)
        tracker.finish(0, {})
        assert asked.wait(10)
        assert not told.is_set()
        ended.set()


@needs_proc
@pytest.mark.parametrize(
    "where",
    ["ddpg.record.tracking.open_tracker.WandbSink.hand_over", "ddpg.record.tracking.open_tracker.ProgressSink.finish"],
)
def test_ctrl_c_at_the_end_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    """In W&B's own upload, or in a sink that comes before it."""
    monkeypatch.setattr("ddpg.record.tracking.wandb_core.LET_GO_S", 60)
    monkeypatch.setattr(where, interrupted)
    before = wandb_core(os.getpid())
    tracker = tracker_of(tmp_path, replace(settings(mode="offline"), progress="lines"))
    tracker.rewind(None)
    log_rows(tracker, 0, 3)
    assert wandb_core(os.getpid()) != before
    with pytest.raises(KeyboardInterrupt):
        tracker.finish(0, {})
    assert wandb_core(os.getpid()) == before


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_opens_when_training_has_begun(tmp_path: Path) -> None:
    """It takes a second, for which the first step does not wait: not even after the evaluation at step 0."""
    tracker = tracker_of(tmp_path, settings(mode="offline"))
    tracker.rewind(None)
    log_rows(tracker, 0, 1)
    assert segments(tmp_path) == []
    tracker.step(1)
    assert len(segments(tmp_path)) == 1
    log_rows(tracker, 1, 2)
    tracker.finish(0, {})
    assert sent_rows(tmp_path) == recorded(tmp_path)


def test_is_told_how_the_run_ended(
    tmp_path: Path, compose: Callable[..., DictConfig], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ddpg.training.trainer.InterruptFlag", lambda: Alarm(150, signal.SIGTERM))
    with pytest.raises(Interrupted):
        run(compose(*WALK, *TINY, "logger.wandb.mode=offline"), tmp_path, [])
    (segment,) = segments(tmp_path)
    assert (segment["summary"]["state"], segment["exit"]) == ("interrupted", 143)


def test_offline_has_all_that_the_record_has(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="ddpg")
    tags = ["t" * 80, "short"]
    tracker = tracker_of(tmp_path, settings(mode="offline", tags=tags, project="walkers"))
    tracker.rewind(None)
    log_rows(tracker, 0, 20)
    model = tmp_path / "actor.pt"
    model.write_bytes(b"weights")
    tracker.save(model, "model")
    tracker.finish(3, {"eval/best_return": -150.5})

    (segment,) = segments(tmp_path)
    assert sent_rows(tmp_path) == read_metrics(tmp_path / "metrics.jsonl")
    assert segment["config"]["noise"] == {"sigma": 0.1}
    assert segment["config"]["eval"] == {"episodes": [1, 2]}
    assert segment["summary"]["eval/best_return"] == -150.5
    assert segment["exit"] == 3
    run = segment["run"]
    assert run.run_id == json.loads((tmp_path / "wandb.json").read_text())["id"]
    assert (run.project, run.run_group, run.job_type, run.display_name) == (
        "walkers",
        GROUP,
        "train",
        "n",
    )
    assert list(run.tags) == ["t" * 64, "short"]
    assert list((tmp_path / "wandb" / "artifacts" / "staging").iterdir())  # in the run folder, not at home
    assert "WANDB_DATA_DIR" in os.environ  # as the fixture set it
    assert not (tmp_path / "home" / ".local").exists()
    assert capfd.readouterr() == ("", "")
    (message,) = our_messages(caplog)
    assert message == f"W&B run, offline; send it with: ddpg-sweep sync {tmp_path}"


def test_media_join_the_last_row(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("RGB", (4, 4)).save(tmp_path / "learning_curve.png")
    (tmp_path / "step_10.mp4").write_bytes(b"film")
    tracker = tracker_of(tmp_path, settings(mode="offline", save_model=False))
    tracker.rewind(None)
    log_rows(tracker, 0, 2)
    tracker.save(tmp_path / "learning_curve.png", "image")
    tracker.save(tmp_path / "step_10.mp4", "video")
    tracker.save(tmp_path / "actor.pt", "model")  # save_model=false: not even looked for
    tracker.finish(0, {})
    history = segments(tmp_path)[0]["history"]
    assert len(history) == 2
    assert {"media/learning_curve._type", "media/video._type"} <= set(history[1])


def test_history_over_resumes_is_the_record(tmp_path: Path) -> None:
    first = tracker_of(tmp_path, settings(mode="offline"))
    first.rewind(None)
    log_rows(first, 0, 12)
    position = first.position()
    log_rows(first, 12, 20)  # rows after the checkpoint: sent once, and not again after the resume
    first.finish(75, {})

    next_second()
    silent = tracker_of(tmp_path, settings(mode="disabled"))  # an attempt of which W&B learns later
    silent.rewind(position)
    log_rows(silent, 12, 25)
    position = silent.position()
    silent.finish(75, {})

    last = tracker_of(tmp_path, settings(mode="offline"))
    last.rewind(position)
    log_rows(last, 25, 30)
    last.finish(0, {})
    rows = read_metrics(tmp_path / "metrics.jsonl")
    assert len(rows) == 30
    assert sent_rows(tmp_path) == rows
    one, two = segments(tmp_path)
    assert one["run"].run_id == two["run"].run_id
    assert (one["exit"], two["exit"]) == (75, 0)


@needs_proc
def test_rows_lost_by_a_kill_are_sent_at_the_next_start(tmp_path: Path) -> None:
    run = start(tmp_path, 1000, 0.002, mode="offline")
    wait_until(lambda: checkpointed(tmp_path) >= 300)
    kill([*wandb_core(run.pid), run.pid], signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    next_second()
    assert len(segments(tmp_path)[0]["history"]) < 300  # blocks of 32 KiB
    assert start(tmp_path, 1000, 0, mode="offline").wait() == 0
    rows = recorded(tmp_path)
    assert len(rows) == 1000
    assert sent_rows(tmp_path) == rows


@needs_proc
def test_sigterm_to_the_whole_job_costs_one_warning(tmp_path: Path) -> None:
    """As from Slurm: wandb-core, which SIGTERM ends at once, is a process of the job too."""
    run = start(tmp_path, 100_000, 0.002, mode="offline")
    wait_until(lambda: checkpointed(tmp_path) >= 20)
    core = wandb_core(run.pid)
    kill(core, signal.SIGTERM)
    wait_until(lambda: not any(map(is_alive, core)))
    after = checkpointed(tmp_path)
    wait_until(lambda: checkpointed(tmp_path) > after)
    kill([run.pid], signal.SIGTERM)
    assert run.wait() == 143
    _offline, warning = said(tmp_path)
    assert warning.startswith("W&B is off from here on (ConnectionResetError")


@needs_proc
@pytest.mark.slow
def test_segments_of_many_kills_join_to_the_record(tmp_path: Path) -> None:
    """kill -9 of all, of wandb-core alone, SIGTERM to all, to the run alone, at random moments, without a pause."""
    dice = random.Random(4)
    for _ in range(8):
        run = start(tmp_path, 100_000, 0.001, mode="offline")
        goal = checkpointed(tmp_path) + dice.randrange(10, 120)
        wait_until(lambda: checkpointed(tmp_path) >= goal)  # noqa: B023
        dice.choice(KILLS)(run)
        run.wait()
        next_second()
    rows = checkpointed(tmp_path) + 50
    assert start(tmp_path, rows, 0, mode="offline").wait() == 0
    assert len({segment["run"].run_id for segment in segments(tmp_path) if segment["run"]}) == 1  # some hold nothing
    assert len(recorded(tmp_path)) == rows
    assert sent_rows(tmp_path) == recorded(tmp_path)


@pytest.mark.parametrize(
    ("key", "reason"),
    [(None, "UsageError: no API key"), ("a" * 40, "CommError")],
    ids=["without key", "without network"],
)
def test_online_falls_back_to_offline_with_one_warning(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    key: str | None,
    reason: str,
) -> None:
    if key:
        monkeypatch.setenv("WANDB_API_KEY", key)
    monkeypatch.setenv("WANDB_MODE", "offline")  # the configuration has the last word
    caplog.set_level(logging.WARNING, logger="ddpg")
    tracker = tracker_of(tmp_path, settings(mode="online", init_timeout=1.0))
    tracker.rewind(None)
    log_rows(tracker, 0, 3)
    tracker.finish(0, {})
    (warning,) = our_messages(caplog)
    assert warning.startswith(f"W&B goes offline ({reason}")
    assert "\n" not in warning
    assert sent_rows(tmp_path) == read_metrics(tmp_path / "metrics.jsonl")
    assert capfd.readouterr() == ("", "")


def test_two_runs_in_one_process_are_two_wandb_runs(tmp_path: Path) -> None:
    ids = set()
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        tracker = tracker_of(tmp_path / name, settings(mode="offline"))
        tracker.rewind(None)
        log_rows(tracker, 0, 3)
        if name == "two":  # the first one failed without a finish, as in Hydra's basic launcher
            tracker.finish(0, {})
        ids.add(json.loads((tmp_path / name / "wandb.json").read_text())["id"])
    assert len(ids) == 2
    assert [len(segments(tmp_path / name)) for name in ("one", "two")] == [1, 1]
    assert len(sent_rows(tmp_path / "two")) == 3
