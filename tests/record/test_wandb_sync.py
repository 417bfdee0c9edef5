"""`ddpg-sweep sync` against the W&B server of support/wandb_server.py."""

import json
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
import wandb
from PIL import Image
from support.tracked import (
    CONFIG,
    GROUP,
    HangingTeardown,
    kill,
    log_rows,
    needs_proc,
    plain_rows,
    recorded,
    settings,
    start,
    tracker_of,
    wait_until,
)
from support.wandb_server import WandbServer

from ddpg.errors import UserError
from ddpg.record.run_folder import RunFolder
from ddpg.record.tracking import wandb_sync
from ddpg.sweep.process import start_time
from ddpg.sweep.state.folder import Submission, SweepFolder
from ddpg.sweep.sync import sync


def trained(path: Path, rows: int, state: str, **wandb: Any) -> RunFolder:
    """A run folder as training leaves it."""
    path.mkdir(parents=True, exist_ok=True)
    folder = RunFolder(path)
    options = settings(**wandb)
    folder.config.write_text(json.dumps(CONFIG | {"logger": {"wandb": vars(options.wandb)}}))
    tracker = tracker_of(path, options)
    tracker.rewind(None)
    log_rows(tracker, 0, rows)
    folder.write_status(state=state, env_step=rows * 10)
    tracker.finish(0 if state == "done" else 1, folder.status())
    return folder


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.rpartition("/")[2] for line in capsys.readouterr().out.splitlines()]


def test_offline_runs_arrive_whole_and_once(
    wandb_server: WandbServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = trained(tmp_path / "0_seed1", 30, "done", mode="offline", project="walkers", tags=["first"])
    done.actor.write_bytes(b"weights")
    Image.new("RGB", (4, 4)).save(done.path / "learning_curve.png")
    trained(tmp_path / "1_seed2", 12, "failed", mode="offline")
    trained(tmp_path / "2_seed3", 5, "done", mode="disabled")
    (tmp_path / "3_seed4").mkdir()
    (tmp_path / "3_seed4" / "config.yaml").touch()  # frozen, not started
    folders = ["0_seed1", "1_seed2", "2_seed3", "3_seed4"]
    plan = {"runs": [{"folder": folder, "overrides": []} for folder in folders]}
    (tmp_path / "sweep.json").write_text(json.dumps(plan))

    assert sync(tmp_path)
    assert lines(capsys) == [
        "0_seed1: sent 30 rows",
        "1_seed2: sent 12 rows",
        "2_seed3: nothing to send, W&B was never told of it",
        "3_seed4: nothing to send, W&B was never told of it",
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
    assert len(first.artifacts) == 1

    wandb_server.requests.clear()
    assert sync(tmp_path)
    assert lines(capsys)[:2] == ["0_seed1: nothing to send", "1_seed2: nothing to send"]
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
    assert lines(capsys) == [f"run: sent {200 - there} rows"]
    assert plain_rows(wandb_server.only_run().history) == recorded(run)
    assert wandb_server.only_run().state == "finished"


def test_a_run_that_is_being_trained_is_left_alone(
    wandb_server: WandbServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = trained(tmp_path / "run", 5, "done", mode="offline")
    folder.write_status(state="running")
    with folder.lock():
        assert sync(folder.path)
    assert lines(capsys) == ["run: is being trained"]
    assert not wandb_server.runs


def sweep_with_a_task(path: Path, *runs: str) -> SweepFolder:
    """A sweep that was given to a process which is alive: this one's parent."""
    sweep, pid = SweepFolder(path), os.getppid()
    sweep.write({"runs": [{"folder": run, "overrides": []} for run in runs]})
    pool = f"{socket.gethostname()}:{pid}:{start_time(pid)}"
    sweep.add_submission(Submission("2026-01-01T00:00:00+00:00", os.getuid(), "local", {pool: list(range(len(runs)))}))
    return sweep


def test_what_a_job_may_start_meanwhile_is_left_alone(
    wandb_server: WandbServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its run folder must not be locked then: the run would fail."""
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
        sent, *others = lines(capsys)
        assert sent in ("0: sent 5 rows", "0: nothing to send")
        assert others == left
    assert sync(waiting.path)
    assert lines(capsys) == left[1:]
    assert len(wandb_server.runs) == 1


def test_nobody_hands_runs_over_while_they_are_sent(
    wandb_server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = []

    def send(*_: Any) -> int:
        with pytest.raises(UserError, match="another command"), SweepFolder(tmp_path).alone():
            pass
        sent.append(1)
        return 1

    monkeypatch.setattr("ddpg.sweep.sync.WandbServer.send_missing", send)
    trained(tmp_path / "0", 5, "done", mode="offline")
    sweep = sweep_with_a_task(tmp_path, "0")
    assert sync(tmp_path)
    assert sent
    with sweep.alone():
        pass


@needs_proc
def test_a_vanished_run_is_sent_as_failed_and_goes_on_later(wandb_server: WandbServer, tmp_path: Path) -> None:
    """A run that goes on offline after its sync is sent once more, from where W&B is."""
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


def test_rows_that_the_server_refuses_are_no_success(
    wandb_server: WandbServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """wandb's own finish() says nothing then. The runs after it are sent all the same."""
    monkeypatch.setattr("ddpg.record.tracking.wandb_sync.ARRIVAL_S", 0.0)
    for name in ("a", "b"):
        trained(tmp_path / name, 5, "done", mode="offline")
    wandb_server.refuse = lambda operation: 403 if operation == "file_stream" and len(wandb_server.runs) == 1 else None
    assert not sync(tmp_path)
    refused, taken = capsys.readouterr().out.splitlines()
    assert refused.startswith(f"{tmp_path / 'a'}: failed: W&B did not take all of it; see ")
    assert taken == f"{tmp_path / 'b'}: sent 5 rows"
    wandb_server.refuse = lambda operation: None
    assert sync(tmp_path)
    assert lines(capsys) == ["a: sent 5 rows", "b: nothing to send"]


def test_a_folder_that_is_damaged_does_not_stop_the_others(
    wandb_server: WandbServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damaged = trained(tmp_path / "a", 5, "done", mode="offline")
    damaged.metrics.write_text("rubbish\nrubbish\n")
    trained(tmp_path / "b", 5, "done", mode="offline")
    assert not sync(tmp_path)
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("metrics.jsonl, line 1 is not JSON: b'rubbish'")
    assert second.endswith("b: sent 5 rows")


@pytest.mark.parametrize("key", [None, "a" * 40], ids=["without key", "without server"])
@pytest.mark.usefixtures("no_wandb_account")
def test_without_key_or_server_it_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str | None) -> None:
    if key:
        monkeypatch.setenv("WANDB_API_KEY", key)
    monkeypatch.setattr("ddpg.record.tracking.wandb_sync.CONNECT_S", 1)
    trained(tmp_path / "a", 5, "done", mode="offline")
    with pytest.raises(UserError, match="W&B cannot be reached: ") as caught:
        sync(tmp_path)
    assert "\n" not in str(caught.value)


def test_a_run_that_wandb_has_deleted_does_not_stop_the_others(
    wandb_server: WandbServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its id is refused for ever; the next run has a connection of its own."""
    for name in ("a", "b"):
        trained(tmp_path / name, 5, "done", mode="offline")
    attempts = []

    def refuse(operation: str) -> int | None:
        attempts.extend([operation] * (operation == "UpsertBucket"))
        return 404 if operation == "UpsertBucket" and len(attempts) == 1 else None

    wandb_server.refuse = refuse
    assert not sync(tmp_path)
    deleted, taken = capsys.readouterr().out.splitlines()
    assert deleted.startswith(f"{tmp_path / 'a'}: failed: ")
    assert taken == f"{tmp_path / 'b'}: sent 5 rows"


def test_a_connection_that_breaks_does_not_stop_the_others(
    wandb_server: WandbServer, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when wandb-core is killed: what asks through it fails from then on."""
    for name in ("a", "b"):
        trained(tmp_path / name, 5, "done", mode="offline")
    ask = wandb_sync.WandbServer._has_all

    def broken(server: Any, place: str, run: Any) -> bool:
        if run.folder.name == "a":
            wandb.teardown()
        return ask(server, place, run)

    monkeypatch.setattr(wandb_sync.WandbServer, "_has_all", broken)
    assert not sync(tmp_path)
    failed, taken = capsys.readouterr().out.splitlines()
    assert failed.startswith(f"{tmp_path / 'a'}: failed: ")
    assert taken == f"{tmp_path / 'b'}: sent 5 rows"


@pytest.mark.usefixtures("no_wandb_account")
def test_a_wandb_core_that_does_not_end_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As wandb's exit hook would, for ever, now and then after a server that did not answer."""
    trained(tmp_path / "a", 5, "done", mode="offline")
    with monkeypatch.context() as patch:
        teardown = HangingTeardown(patch)
        with pytest.raises(UserError, match="W&B cannot be reached: "):
            sync(tmp_path)
        assert teardown.asked.wait(10)
        assert not teardown.has_ended.is_set()
        teardown.may_end.set()


def test_a_folder_without_runs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no runs in it"):
        sync(tmp_path)
