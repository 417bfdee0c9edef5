"""`ddpg-sweep sync` against the W&B server of support/wandb_server.py."""

import json
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.tracked import (
    GROUP,
    assert_kept,
    kill,
    needs_proc,
    our_messages,
    plain_rows,
    recorded,
    start,
    sync_lines,
    trained,
    two_policies,
    wait_until,
)
from support.wandb_server import WandbServer

from ddpg.errors import UserError
from ddpg.sweep.process import start_time
from ddpg.sweep.state.folder import Submission, SweepFolder
from ddpg.sweep.state.status import is_locked
from ddpg.sweep.sync import sync


def test_offline_runs_arrive_whole_and_once(
    wandb_server: WandbServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ddpg.sweep.sync.write_policies", lambda folder, top: two_policies(top))
    keys = {"mode": "offline", "save_model": True, "project": "walkers", "tags": ["first"]}
    done = trained(tmp_path / "0_seed1", 30, "done", **keys)
    Image.new("RGB", (4, 4)).save(done.path / "learning_curve.png")
    trained(tmp_path / "1_seed2", 12, "failed", mode="offline")
    trained(tmp_path / "2_seed3", 5, "done", mode="disabled")
    (tmp_path / "3_seed4").mkdir()
    (tmp_path / "3_seed4" / "config.yaml").touch()  # frozen, not started
    folders = ["0_seed1", "1_seed2", "2_seed3", "3_seed4"]
    plan = {"runs": [{"folder": folder, "overrides": []} for folder in folders]}
    (tmp_path / "sweep.json").write_text(json.dumps(plan))

    assert sync(tmp_path)
    assert sync_lines(capsys) == [
        "0_seed1: sent 30 rows and its policies",
        "1_seed2: sent 12 rows",
        "2_seed3: nothing to send, W&B has never heard of it",
        "3_seed4: nothing to send, W&B has never heard of it",
    ]
    first, second = wandb_server.runs.values()
    last = first.history[-1]
    assert last["media/learning_curve"]["_type"] == "image-file"
    rows = [{k: v for k, v in row.items() if k != "media/learning_curve"} for row in plain_rows(first.history)]
    assert rows == recorded(done.path)
    assert plain_rows(second.history) == recorded(tmp_path / "1_seed2")
    assert (first.state, second.state) == ("finished", "failed")
    assert first.summary["state"] == "done"
    assert first.config["noise"]["value"] == {"sigma": 0.1}
    wanted = {"project": "walkers", "groupName": GROUP, "displayName": "n", "jobType": "train"}
    assert first.settings.items() >= wanted.items()
    assert first.settings["tags"] == ["first", tmp_path.name]
    assert_kept(wandb_server)

    wandb_server.requests.clear()
    assert sync(tmp_path)
    assert sync_lines(capsys)[:2] == ["0_seed1: nothing to send", "1_seed2: nothing to send"]
    assert not wandb_server.requests["UpsertBucket"]
    assert not wandb_server.requests["file_stream"]


def test_what_an_online_run_missed(
    wandb_server: WandbServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The server died in the middle, and the run ended without it."""
    run = tmp_path / "run"
    process = start(run, 200, 0.02, mode="online", finish_timeout=1.0)
    wait_until(lambda: bool(wandb_server.runs) and len(wandb_server.only_run().lines) >= 20)
    wandb_server.stop()
    assert process.wait() == 0
    there = len(wandb_server.only_run().lines)
    assert there < 200
    wandb_server.start()
    assert sync(run)
    assert sync_lines(capsys) == [f"run: sent {200 - there} rows"]
    assert plain_rows(wandb_server.only_run().history) == recorded(run)
    assert wandb_server.only_run().state == "finished"


def test_policies_that_the_server_refused_are_sent_later(
    wandb_server: WandbServer,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The rows arrive in any case, so that the policies are all that is missing."""
    monkeypatch.setattr("ddpg.sweep.sync.write_policies", lambda folder, top: two_policies(top))
    wandb_server.refuse = lambda operation: 403 if operation == "CreateArtifact" else None
    folder = trained(tmp_path / "run", 30, "done", write_policies=two_policies, mode="online", save_model=True)
    (warning,) = (text for text in our_messages(caplog) if "policy" in text)
    assert warning.endswith(f"; ddpg-sweep sync {folder.path} sends it later")

    assert not sync(folder.path)
    assert sync_lines(capsys)[0].startswith("run: failed: W&B does not keep the policies: ")
    run = wandb_server.only_run()
    assert (run.state, plain_rows(run.history)) == ("finished", recorded(folder.path))

    wandb_server.refuse = lambda operation: None
    for line in ("run: sent 0 rows and its policies", "run: nothing to send"):
        assert sync(folder.path)
        assert sync_lines(capsys) == [line]
    assert_kept(wandb_server)


def test_a_run_that_is_being_trained_is_left_alone(
    wandb_server: WandbServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = trained(tmp_path / "run", 5, "done", mode="offline")
    folder.write_status(state="running")
    with folder.lock():
        assert sync(folder.path)
    assert sync_lines(capsys) == ["run: is being trained"]
    assert not wandb_server.runs


def sweep_with_a_task(path: Path, *runs: str) -> SweepFolder:
    """Make a sweep that was given to a process that is alive, the parent of this one."""
    sweep, pid = SweepFolder(path), os.getppid()
    sweep.write({"runs": [{"folder": run, "overrides": []} for run in runs]})
    pool = f"{socket.gethostname()}:{pid}:{start_time(pid)}"
    sweep.add_submission(Submission("2026-01-01T00:00:00+00:00", os.getuid(), "local", {pool: list(range(len(runs)))}))
    return sweep


def test_what_a_job_may_start_meanwhile_is_left_alone(
    wandb_server: WandbServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A run that its job starts while its folder is locked would fail."""
    trained(tmp_path / "a/0", 5, "done", mode="offline")
    trained(tmp_path / "a/1", 5, "interrupted", mode="offline")
    waiting = trained(tmp_path / "a/2", 5, "interrupted", mode="offline")
    os.utime(waiting.path / "status.json", (0, 0))  # before it was given to the job
    sweep_with_a_task(tmp_path, "a/0", "a/1", "a/2")
    left = [
        f"{n}: {state}, and its job may go on with it: not sent now"
        for n, state in ((1, "interrupted"), (2, "pending"))
    ]
    for folder in (tmp_path, tmp_path / "a"):
        assert sync(folder)
        sent, *others = sync_lines(capsys)
        assert sent in ("0: sent 5 rows", "0: nothing to send")
        assert others == left
    assert sync(waiting.path)
    assert sync_lines(capsys) == left[1:]
    assert len(wandb_server.runs) == 1


def test_runs_can_be_handed_over_while_others_are_sent(
    wandb_server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The lock of the sweep is free then; what a job may start since is left alone."""
    trained(tmp_path / "0", 5, "done", mode="offline")
    trained(tmp_path / "1", 5, "interrupted", mode="offline")
    sweep = SweepFolder(tmp_path)
    sweep.write({"runs": [{"folder": run, "overrides": []} for run in ("0", "1")]})

    def send(*_: Any) -> None:
        with sweep.lock():
            assert is_locked(tmp_path / "0")
            sweep_with_a_task(tmp_path, "0", "1")

    monkeypatch.setattr("ddpg.sweep.sync.WandbServer.send_missing", send)
    assert sync(tmp_path)
    assert sync_lines(capsys) == [
        "0: nothing to send", "1: interrupted, and its job may go on with it: not sent now"
    ]  # fmt: skip


def test_a_sweep_whose_runs_are_being_handed_over_waits(
    wandb_server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ddpg.sweep.sync.PATIENCE_S", 0.1)
    trained(tmp_path / "0", 5, "done", mode="offline")
    with sweep_with_a_task(tmp_path, "0").lock():
        assert not sync(tmp_path)
    assert sync_lines(capsys)[0].endswith(": see what it did, then try again")


@needs_proc
def test_a_vanished_run_is_sent_as_failed_and_goes_on_later(wandb_server: WandbServer, tmp_path: Path) -> None:
    """A run that goes on offline after its sync is sent again, from the first row that W&B lacks."""
    run = tmp_path / "run"
    process = start(run, 1000, 0.01, mode="offline")
    wait_until(lambda: len(recorded(run)) >= 40)
    kill([process.pid], signal.SIGKILL)
    process.wait()
    assert sync(run)
    there = len(recorded(run))
    assert plain_rows(wandb_server.only_run().history) == recorded(run)
    assert wandb_server.only_run().state == "failed"
    assert start(run, 100 + there, 0, mode="offline").wait() == 0
    assert sync(run)
    assert plain_rows(wandb_server.only_run().history) == recorded(run)
    assert wandb_server.only_run().state == "finished"
    assert sync(run)


def test_a_folder_without_runs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no runs in it"):
        sync(tmp_path)
