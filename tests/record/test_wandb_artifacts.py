"""Artifacts of the W&B server of support/wandb_server.py, downloaded by the real wandb."""

from pathlib import Path

import pytest
from support.tracked import log_rows, settings, tracker_of
from support.wandb_server import WandbServer

from ddpg.errors import UserError
from ddpg.record.tracking.wandb_artifacts import download_artifact


def test_an_artifact_is_downloaded_once_by_its_alias(wandb_server: WandbServer, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    model = tmp_path / "actor.pt"
    model.write_bytes(b"weights")
    tracker = tracker_of(tmp_path, settings(mode="online"))
    tracker.rewind(None)
    log_rows(tracker, 0, 1)
    tracker.save(model, "model")
    tracker.finish(0, {})
    (artifact,) = wandb_server.artifacts.versions

    name = f"me/ddpg/{artifact.collection}"
    folder, version = download_artifact(f"{name}:latest", cache, "actor.")
    assert version == "v0"
    assert folder.is_relative_to(cache / "me" / "ddpg" / artifact.collection)
    assert [(path.name, path.read_bytes()) for path in folder.iterdir()] == [("actor.pt", b"weights")]

    wandb_server.requests.clear()
    assert download_artifact(f"{name}:v0", cache, "actor.").folder == folder
    assert wandb_server.requests["artifacts"] == 0
    with pytest.raises(UserError, match=rf"^W&B has no artifact {name}:best, or does not show it to you$"):
        download_artifact(f"{name}:best", cache, "actor.")


def test_without_a_key_nothing_is_asked(no_wandb_account: None, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^W&B cannot be reached: UsageError: no API key; run `wandb login` or set"):
        download_artifact("me/ddpg/policy:last", tmp_path, "policy.")
