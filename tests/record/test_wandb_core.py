"""The process that wandb starts beside a run: nothing waits for it, and nothing of it stays."""

import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from support.tracked import (
    HangingTeardown,
    checkpointed,
    is_alive,
    kill,
    log_rows,
    needs_proc,
    output_of,
    plain_rows,
    recorded,
    settings,
    start,
    tracker_of,
    wait_until,
    wandb_core,
)
from support.wandb_server import WandbServer

from ddpg.record.tracking.wandb_sink import WandbSink


@needs_proc
def test_runs_of_one_process_leave_nothing_behind(
    wandb_server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is no process that wandb's exit hook would wait for, and no hook, which would pile up in a multirun."""
    monkeypatch.setattr("ddpg.record.tracking.wandb_core.END_S", 60)  # busy cores
    before = (sys.exit, sys.excepthook, wandb_core(os.getpid()))
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        tracker = tracker_of(tmp_path / name, settings(mode="online"))
        tracker.rewind(None)
        log_rows(tracker, 0, 3)
        assert wandb_core(os.getpid()) != before[-1]
        tracker.finish(0, {})
        assert (sys.exit, sys.excepthook, wandb_core(os.getpid())) == before
    assert [len(run.history) for run in wandb_server.runs.values()] == [3, 3]


def test_a_run_that_failed_without_an_end_does_not_hinder_the_next(wandb_server: WandbServer, tmp_path: Path) -> None:
    """Runs of Hydra's basic launcher share a process."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        tracker = tracker_of(tmp_path / name, settings(mode="online"))
        tracker.rewind(None)
        log_rows(tracker, 0, 3)
        if name == "two":
            tracker.finish(0, {})
    _one, two = wandb_server.runs.values()
    assert plain_rows(two.history) == recorded(tmp_path / "two")


def test_a_run_that_has_ended_does_not_wait_for_wandb_core(
    wandb_server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracker = tracker_of(tmp_path, settings(mode="online"))
    tracker.rewind(None)
    log_rows(tracker, 0, 3)
    with monkeypatch.context() as patch:
        teardown = HangingTeardown(patch)
        tracker.finish(0, {})
        assert teardown.asked.wait(10)
        assert not teardown.has_ended.is_set()
        teardown.may_end.set()


def test_a_wandb_core_that_does_not_end_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It tries for minutes if the server takes what it is sent and never answers; Slurm kills earlier."""
    teardown = HangingTeardown(monkeypatch)
    WandbSink(settings().wandb, tmp_path, {}, "g", "n").abandon()
    assert teardown.asked.is_set()
    assert not teardown.has_ended.is_set()
    teardown.may_end.set()


@needs_proc
@pytest.mark.parametrize("where", ["WandbSink.hand_over", "ProgressSink.finish"])
def test_ctrl_c_at_the_end_leaves_nothing_behind(
    wandb_server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    """Ctrl-C comes in W&B's upload, or in a sink before it."""
    monkeypatch.setattr("ddpg.record.tracking.wandb_core.END_S", 60)
    monkeypatch.setattr(f"ddpg.record.tracking.open_tracker.{where}", interrupted)
    before = wandb_core(os.getpid())
    tracker = tracker_of(tmp_path, replace(settings(mode="online"), progress="lines"))
    tracker.rewind(None)
    log_rows(tracker, 0, 3)
    assert wandb_core(os.getpid()) != before
    with pytest.raises(KeyboardInterrupt):
        tracker.finish(0, {})
    assert wandb_core(os.getpid()) == before


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


@needs_proc
def test_sigterm_to_the_whole_job_costs_one_warning(wandb_server: WandbServer, tmp_path: Path) -> None:
    """Slurm sends SIGTERM to wandb-core as well, which ends at once."""
    run = start(tmp_path, 100_000, 0.002, mode="online")
    wait_until(lambda: checkpointed(tmp_path) >= 20)
    core = wandb_core(run.pid)
    kill(core, signal.SIGTERM)
    wait_until(lambda: not any(map(is_alive, core)))
    after = checkpointed(tmp_path)
    wait_until(lambda: checkpointed(tmp_path) > after)
    kill([run.pid], signal.SIGTERM)
    assert run.wait() == 143
    _online, warning = output_of(tmp_path)
    assert warning.startswith("W&B is off from here on (ConnectionResetError")


def test_wandb_sends_no_report_on_itself(
    wandb_server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise it would wait 10 s at the end for a server that does not answer."""
    monkeypatch.delenv("WANDB_ERROR_REPORTING", raising=False)
    assert start(tmp_path, 20, 0, mode="online").wait() == 0
    assert wandb_server.only_run().state == "finished"
    assert "sdk" not in wandb_server.requests  # /sdk/otel/...
