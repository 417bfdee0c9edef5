"""W&B online, against the server of support/wandb_server.py: one W&B run for each run, whatever happens to it."""

import logging
import os
import random
import signal
from pathlib import Path

import pytest
from PIL import Image
from support.tracked import (
    GROUP,
    KILLS,
    assert_kept,
    checkpointed,
    kill,
    log_rows,
    needs_proc,
    our_messages,
    output_of,
    plain_rows,
    recorded,
    settings,
    start,
    tracker_of,
    two_policies,
    wait_until,
    wandb_core,
)  # fmt: skip
from support.wandb_server import WandbServer

from ddpg.record.tracking.wandb_sink import sweep_of


def received(server: WandbServer) -> int:
    return len(server.only_run().lines) if server.runs else 0


def test_the_server_has_all_that_the_record_has(wandb_server: WandbServer, tmp_path: Path) -> None:
    tracker = tracker_of(
        tmp_path, settings(mode="online", save_model=True, project="walkers", tags=["first", "t" * 80])
    )
    tracker.rewind(None)
    log_rows(tracker, 0, 20)
    tracker.save_policies(two_policies)
    tracker.finish(0, {"eval/best_return": -150.5})
    run = wandb_server.only_run()
    assert plain_rows(run.history) == recorded(tmp_path)
    assert run.state == "finished"
    assert run.summary["eval/best_return"] == -150.5
    assert run.config["noise"]["value"] == {"sigma": 0.1}
    wanted = {"project": "walkers", "groupName": GROUP, "displayName": "n", "jobType": "train"}
    assert run.settings.items() >= wanted.items()
    assert run.settings["tags"] == ["first", "t" * 64]
    assert_kept(wandb_server)


def test_it_opens_when_training_has_begun(wandb_server: WandbServer, tmp_path: Path) -> None:
    """The first step does not wait for the second that it takes, even after the evaluation at step 0."""
    tracker = tracker_of(tmp_path, settings(mode="online"))
    tracker.rewind(None)
    log_rows(tracker, 0, 1)
    assert not wandb_server.runs
    tracker.step(1)
    assert wandb_server.only_run().starts == 1
    log_rows(tracker, 1, 2)
    tracker.finish(0, {})
    assert plain_rows(wandb_server.only_run().history) == recorded(tmp_path)


def test_it_is_quiet_and_keeps_its_files_in_the_run_folder(
    wandb_server: WandbServer, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    run.mkdir()
    tracker = tracker_of(run, settings(mode="online", save_model=True))
    tracker.rewind(None)
    log_rows(tracker, 0, 2)
    tracker.save_policies(two_policies)
    tracker.finish(0, {})
    assert (run / "wandb" / "artifacts" / "staging").is_dir()
    assert "WANDB_DATA_DIR" in os.environ  # as the fixture set it
    assert not (tmp_path / "home" / ".local").exists()
    assert capfd.readouterr() == ("", "")


def test_media_join_the_last_row(wandb_server: WandbServer, tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "learning_curve.png")
    (tmp_path / "step_10.mp4").write_bytes(b"film")
    tracker = tracker_of(tmp_path, settings(mode="online", save_model=False))
    tracker.rewind(None)
    log_rows(tracker, 0, 2)
    tracker.save(tmp_path / "learning_curve.png", "image")
    tracker.save(tmp_path / "step_10.mp4", "video")
    tracker.save_policies(lambda top: pytest.fail("save_model=false: they are not even written"))
    tracker.finish(0, {})
    first, last = wandb_server.only_run().history
    assert not [key for key in first if key.startswith("media/")]
    assert {key for key in last if key.startswith("media/")} == {"media/learning_curve", "media/video"}
    assert not wandb_server.artifacts.versions


def test_history_over_resumes_is_the_record(wandb_server: WandbServer, tmp_path: Path) -> None:
    first = tracker_of(tmp_path, settings(mode="online"))
    first.rewind(None)
    log_rows(first, 0, 12)
    position = first.position()
    log_rows(first, 12, 20)  # rows after the checkpoint: sent once, and not again after the resume
    first.finish(75, {"state": "interrupted", "error": "SIGTERM"})

    silent = tracker_of(tmp_path, settings(mode="disabled"))  # W&B learns of this attempt later
    silent.rewind(position)
    log_rows(silent, 12, 25)
    position = silent.position()
    silent.finish(75, {})

    last = tracker_of(tmp_path, settings(mode="online"))
    last.rewind(position)
    log_rows(last, 25, 30)
    last.finish(0, {"state": "done"})
    summary = wandb_server.only_run().summary
    assert (summary["state"], summary.get("error")) == ("done", None)  # though W&B brings back the first one
    assert len(recorded(tmp_path)) == 30
    assert plain_rows(wandb_server.only_run().history) == recorded(tmp_path)
    assert (wandb_server.only_run().starts, wandb_server.only_run().state) == (2, "finished")


@needs_proc
def test_it_is_told_how_the_run_ended(wandb_server: WandbServer, tmp_path: Path) -> None:
    run = start(tmp_path, 100_000, 0.005, mode="online")
    wait_until(lambda: received(wandb_server) > 0)
    kill([run.pid], signal.SIGTERM)
    assert run.wait() == 143
    ended = wandb_server.only_run()
    assert (ended.summary["state"], ended.exit_code) == ("interrupted", 143)


def test_failed_is_failed(wandb_server: WandbServer, tmp_path: Path) -> None:
    tracker = tracker_of(tmp_path, settings(mode="online"))
    tracker.rewind(None)
    log_rows(tracker, 0, 3)
    tracker.finish(1, {"state": "failed"})
    assert (wandb_server.only_run().state, wandb_server.only_run().exit_code) == ("failed", 1)


@pytest.mark.parametrize("file", ["sweep.json", "multirun.yaml"])
def test_the_sweep_of_a_run_is_the_nearest_folder_above_of_one(tmp_path: Path, file: str) -> None:
    """Also of one that a plain -m trains, one run after the other."""
    assert sweep_of(tmp_path / "sweep" / "0") is None
    (tmp_path / "sweep" / "0").mkdir(parents=True)
    (tmp_path / "sweep" / file).touch()
    assert sweep_of(tmp_path / "sweep" / "seeds" / "0") == tmp_path / "sweep"


def test_a_run_of_a_sweep_has_its_name_as_a_tag(wandb_server: WandbServer, tmp_path: Path) -> None:
    sweep = tmp_path / "noises_2026"
    run_dir = sweep / "hopper" / "0_seed1"  # as hydra.sweep.subdir may have it
    run_dir.mkdir(parents=True)
    (sweep / "sweep.json").write_text("{}")
    tracker = tracker_of(run_dir, settings(mode="online", tags=["first"], start_jitter=0.0))
    tracker.rewind(None)
    tracker.finish(0, {})
    assert wandb_server.only_run().settings["tags"] == ["first", "noises_2026"]


def test_runs_of_a_sweep_come_at_random_moments(
    wandb_server: WandbServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sweep.json").write_text("{}")
    (tmp_path / "0").mkdir()
    now = 100.0
    monkeypatch.setattr("ddpg.record.tracking.wandb_sink.monotonic", lambda: now)
    monkeypatch.setattr("ddpg.record.tracking.wandb_sink.SystemRandom.uniform", lambda self, low, high: high / 2)
    tracker = tracker_of(tmp_path / "0", settings(mode="online", start_jitter=60.0))
    tracker.rewind(None)
    log_rows(tracker, 0, 5)
    assert not wandb_server.requests
    now = 130.0
    log_rows(tracker, 5, 8)
    assert wandb_server.only_run().starts == 1
    tracker.finish(0, {})
    assert plain_rows(wandb_server.only_run().history) == recorded(tmp_path / "0")


@pytest.mark.parametrize(("exit_code", "runs"), [(0, 1), (1, 1), (143, 0)], ids=["done", "failed", "stopped"])
def test_a_run_that_ends_before_its_moment(
    wandb_server: WandbServer, tmp_path: Path, exit_code: int, runs: int
) -> None:
    """A run that is stopped has no time to open W&B; its next attempt sends the rows."""
    (tmp_path / "sweep.json").write_text("{}")
    (tmp_path / "0").mkdir()
    tracker = tracker_of(tmp_path / "0", settings(mode="online", start_jitter=1e6))
    tracker.rewind(None)
    log_rows(tracker, 0, 5)
    tracker.finish(exit_code, {})
    assert len(wandb_server.runs) == runs


def test_a_policy_that_cannot_be_written_costs_the_rest_nothing(
    wandb_server: WandbServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, logger="ddpg")
    tracker = tracker_of(tmp_path, settings(mode="online", save_model=True))
    tracker.rewind(None)
    log_rows(tracker, 0, 5)
    tracker.save_policies(lambda top: (top / "absent").read_text())
    tracker.finish(0, {})
    (warning,) = our_messages(caplog)
    assert warning.startswith("W&B does not keep the policy (FileNotFoundError")
    assert wandb_server.only_run().state == "finished"
    assert plain_rows(wandb_server.only_run().history) == recorded(tmp_path)


@needs_proc
@pytest.mark.slow
def test_a_run_that_is_interrupted_many_times_is_one_run(wandb_server: WandbServer, tmp_path: Path) -> None:
    """Signals at random moments: kill -9 or SIGTERM, to all processes or to the run alone."""
    dice = random.Random(7)
    for attempt in range(8):
        run = start(tmp_path, 100_000, 0.005, mode="online")
        goal = checkpointed(tmp_path) + dice.randrange(10, 300)
        wait_until(lambda: checkpointed(tmp_path) >= goal)  # noqa: B023
        KILLS[attempt % len(KILLS)](run)
        run.wait()
    assert wandb_server.only_run().state != "finished"
    rows = checkpointed(tmp_path) + 50
    assert start(tmp_path, rows, 0, mode="online").wait() == 0
    assert len(recorded(tmp_path)) == rows
    assert plain_rows(wandb_server.only_run().history) == recorded(tmp_path)
    assert wandb_server.only_run().state == "finished"
    assert wandb_server.only_run().starts == 9


@needs_proc
def test_a_server_that_is_dead_for_a_while_gets_all_in_the_end(wandb_server: WandbServer, tmp_path: Path) -> None:
    """The server is dead at the first start, dies during the second, and is alive at the third."""
    wandb_server.stop()
    first = start(tmp_path, 100_000, 0.005, mode="online", init_timeout=1.0)
    wait_until(lambda: checkpointed(tmp_path) >= 50)
    kill([*wandb_core(first.pid), first.pid], signal.SIGKILL)
    first.wait()
    assert any(line.startswith("W&B goes offline (CommError") for line in output_of(tmp_path))

    wandb_server.start()
    second = start(tmp_path, 100_000, 0.005, mode="online")
    wait_until(lambda: received(wandb_server) >= 50)
    wandb_server.stop()
    goal = checkpointed(tmp_path) + 100
    wait_until(lambda: checkpointed(tmp_path) >= goal)
    kill([second.pid], signal.SIGTERM)
    assert second.wait() == 143
    assert any(line.startswith("W&B is off from here on (TimeoutError: it takes") for line in output_of(tmp_path))
    assert received(wandb_server) < checkpointed(tmp_path)
    assert not any("Traceback" in line for line in output_of(tmp_path))

    wandb_server.start()
    rows = checkpointed(tmp_path) + 20
    assert start(tmp_path, rows, 0, mode="online").wait() == 0
    assert plain_rows(wandb_server.only_run().history) == recorded(tmp_path)
    assert wandb_server.only_run().state == "finished"


@needs_proc
@pytest.mark.slow
@pytest.mark.parametrize("status", [429, 500])
def test_refusals_for_a_while_lose_nothing(wandb_server: WandbServer, tmp_path: Path, status: int) -> None:
    """Every other request is refused; wandb-core tries again."""
    wandb_server.refuse = lambda operation: status if wandb_server.requests[operation] % 2 else None
    assert start(tmp_path, 300, 0.005, mode="online", finish_timeout=60.0).wait() == 0
    assert wandb_server.refused[status] > 3
    assert plain_rows(wandb_server.only_run().history) == recorded(tmp_path)
