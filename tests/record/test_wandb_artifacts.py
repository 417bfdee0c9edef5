"""Artifacts of the W&B server of support/wandb_server.py, downloaded by the real wandb."""

from pathlib import Path

import pytest
from support.tracked import log_rows, settings, tracker_of, two_policies
from support.wandb_server import WandbServer

from ddpg.errors import UserError
from ddpg.record.tracking.wandb_artifacts import download_artifact


def test_an_artifact_is_downloaded_once_by_its_alias(wandb_server: WandbServer, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    tracker = tracker_of(tmp_path, settings(mode="online"))
    tracker.rewind(None)
    log_rows(tracker, 0, 1)
    tracker.save_policies(two_policies)
    tracker.finish(0, {})
    collection = wandb_server.artifacts.versions[0].collection

    name = f"me/ddpg/{collection}"
    folder, version = download_artifact(f"{name}:best", cache, "policy.s")
    assert version == "v0"
    assert folder.is_relative_to(cache / "me" / "ddpg" / collection)
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("policy.safetensors", "the best weights")]

    wandb_server.requests.clear()
    assert download_artifact(f"{name}:v0", cache, "policy.s").folder == folder
    assert wandb_server.requests["artifacts"] == 0
    with pytest.raises(UserError, match=rf"^W&B has no artifact {name}:v7, or does not show it to you$"):
        download_artifact(f"{name}:v7", cache, "policy.s")


def test_without_a_key_nothing_is_asked(no_wandb_account: None, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"^W&B cannot be reached: UsageError: no API key; run `wandb login` or set"):
        download_artifact("me/ddpg/policy:last", tmp_path, "policy.")
