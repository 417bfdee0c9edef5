"""W&B offline: nothing is sent, and nothing is kept but the run's identity; the record has everything."""

import json
import logging
import os
from dataclasses import replace
from pathlib import Path

import pytest
from support.tracked import log_rows, our_messages, recorded, settings, tracker_of, two_policies

pytestmark = pytest.mark.usefixtures("no_wandb_account")


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_offline_leaves_an_identity_and_says_how_to_send_the_run(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="ddpg")
    run = tmp_path / "run"
    run.mkdir()
    tracker = tracker_of(run, settings(mode="offline", save_model=True))
    tracker.rewind(None)
    log_rows(tracker, 0, 20)
    tracker.save_policies(two_policies)
    tracker.step(200)
    tracker.finish(0, {"eval/best_return": -150.5})
    assert names(run) == {"metrics.jsonl", "wandb.json"}
    assert len(recorded(run)) == 20
    assert capfd.readouterr() == ("", "")
    (message,) = our_messages(caplog)
    assert message.endswith(f"ddpg-sweep sync {run}")


def test_a_run_keeps_its_identity_over_resumes_in_other_modes(tmp_path: Path) -> None:
    known = set()
    position = None
    for mode in ("offline", "disabled", "offline"):
        tracker = tracker_of(tmp_path, settings(mode=mode))
        tracker.rewind(position)
        log_rows(tracker, position["rows"] if position else 0, 10)
        position = tracker.position()
        tracker.finish(75, {})
        known.add((tmp_path / "wandb.json").read_text())
    assert len(known) == 1
    assert json.loads(known.pop()).keys() == {"id", "group", "name", "policies_at"}


@pytest.mark.parametrize(
    ("key", "reason"),
    [(None, "usageerror: no api key"), ("a" * 40, "commerror")],
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
    tracker = tracker_of(tmp_path, replace(settings(mode="online", save_model=True, init_timeout=1.0)))
    tracker.rewind(None)
    log_rows(tracker, 0, 3)
    tracker.save_policies(two_policies)
    tracker.finish(0, {})
    (warning,) = our_messages(caplog)
    assert reason in warning.lower()
    assert f"ddpg-sweep sync {tmp_path}" in warning
    assert "\n" not in warning
    assert len(recorded(tmp_path)) == 3
    assert "WANDB_DATA_DIR" in os.environ  # as the fixture set it
    assert capfd.readouterr() == ("", "")
